"""The networks of slim: the graphs of TensorFlow 1.15.5, operation by operation."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.data import slim_net_runs

import retrograd as tf
from retrograd.contrib.slim.nets import inception, resnet_v1, vgg
from retrograd.contrib.slim.nets.resnet_utils import stack_blocks_dense

DATA = Path(__file__).parents[1] / "data" / "slim_nets.json"
WANTED: dict[str, Any] = json.loads(DATA.read_text())


def module_of(case: str) -> Any:
    name = slim_net_runs.CASES[case][0]
    return importlib.import_module(f"retrograd.contrib.slim.nets.{name}")


@pytest.mark.parametrize("case", slim_net_runs.CASES)
def test_operations_variables_and_collections(case: str) -> None:
    _, found = slim_net_runs.build(tf, case, module_of(case))
    for key, wanted in WANTED[case].items():
        assert found[key] == wanted, key


@pytest.mark.parametrize("name", slim_net_runs.SMALL)
def test_values_and_gradients_of_small_ones(name: str) -> None:
    found = slim_net_runs.values(tf, name, module_of(name + "_50"))
    wanted = WANTED["small " + name]
    assert found["logits"] == pytest.approx(wanted["logits"], 2e-3, 1e-4)
    assert sorted(found["gradients"]) == sorted(wanted["gradients"])
    for key, size in wanted["gradients"].items():
        assert found["gradients"][key] == pytest.approx(size, 5e-3, 1e-3), key


def test_layers_end_where_they_are_told_to() -> None:
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [1, 32, 32, 3])
        for base, last in (
            (inception.inception_v1_base, "MaxPool_2a_3x3"),
            (inception.inception_v2_base, "Conv2d_1a_7x7"),
        ):
            _, end_points = base(images, last)
            assert list(end_points)[-1] == last
            with pytest.raises(ValueError, match=r"^Unknown final endpoint q$"):
                base(images, "q", scope=last)
        with pytest.raises(ValueError, match=r"^depth_multiplier is not greater than"):
            inception.inception_v3(images, depth_multiplier=0.0)


def test_strides_that_cannot_be_reached() -> None:
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [1, 32, 32, 3])
        blocks = [resnet_v1.resnet_v1_block("b", 2, 1, 2)]
        with pytest.raises(ValueError, match=r"^The target output_stride cannot be"):
            stack_blocks_dense(images, blocks, 3)
        with pytest.raises(ValueError, match="needs to be a multiple of 4"):
            resnet_v1.resnet_v1(images, blocks, output_stride=6)


def test_sizes_that_networks_are_made_for() -> None:
    assert vgg.vgg_d is vgg.vgg_16 and vgg.vgg_16.default_image_size == 224
    assert inception.inception_v3.default_image_size == 299
