"""Weights in the layouts of other versions and backends of Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.layers.conv import Conv2D, Conv3D
from retrograd.layers.nodes import int_shape

Weights = list[Any]

_CONVOLUTIONS = (
    "Conv1D",
    Conv2D.__name__,
    Conv3D.__name__,
    "Conv2DTranspose",
    "ConvLSTM2D",
)
_NESTED = ("Model", "Sequential", "Functional")
_RECURRENT = ("LSTM", "CuDNNLSTM", "GRU", "CuDNNGRU")


def _kind(layer: Any) -> str:
    """The name of a layer's class; one of a second version has that of the first."""
    return type(layer).__name__.removesuffix("V2").removesuffix("V1")


def is_needed(
    layer: Any, stored: Sequence[Any], version: str, backend: str | None
) -> bool:
    """Whether stored weights have to be looked at by `convert`."""
    kind = _kind(layer)
    if hasattr(layer, "_is_graph_network") or kind in (
        "Bidirectional",
        "TimeDistributed",
    ):
        return True
    if version == "1" or kind in _RECURRENT:
        return True
    if kind not in _CONVOLUTIONS or not stored:
        return False
    return backend == "theano" or int_shape(layer.weights[0]) != stored[0].shape


def convert(layer: Any, weights: Weights, version: str, backend: str | None) -> Weights:
    """Weights in the layout of a layer.

    Args:
      layer: the layer that they are for.
      weights: as a file has them.
      version: that of the Keras that has written them.
      backend: what it computed with.

    Raises:
      ValueError: those of a recurrent layer are of another kind.
    """
    kind = _kind(layer)
    if kind == "Bidirectional":
        half = len(weights) // 2
        return [
            *convert(layer.forward_layer, weights[:half], version, backend),
            *convert(layer.backward_layer, weights[half:], version, backend),
        ]
    if kind == "TimeDistributed":
        return convert(layer.layer, weights, version, backend)
    if hasattr(layer, "_is_graph_network"):
        return _nested(layer, weights, version, backend)
    if version == "1" and kind in _OF_KERAS_1:
        weights = _OF_KERAS_1[kind](layer, weights)
    if kind in _CONVOLUTIONS:
        weights = _convolution(layer, kind, weights, backend)
    if kind in _RECURRENT:
        weights = _recurrent(layer, kind, weights)
    return weights


def _nested(model: Any, weights: Weights, version: str, backend: str | None) -> Weights:
    """Those of a model inside a model: what is trained first, then the rest."""
    trained, fixed = [], []
    at = 0
    for layer in model.layers:
        count = len(layer.trainable_weights)
        trained.append((layer, weights[at : at + count]))
        at += count
    for layer, own in trained:
        count = len(layer.non_trainable_weights)
        fixed.append((layer, own + weights[at : at + count]))
        at += count
    found: list[tuple[Any, Weights]] = [
        (layer, convert(layer, own, version, backend) if own else own)
        for layer, own in fixed
    ]
    first = [w for x, own in found for w in own[: len(x.trainable_weights)]]
    return first + [w for x, own in found for w in own[len(x.trainable_weights) :]]


# --------------------------------------------------------------------------- Keras 1


def _conv1d(layer: Any, weights: Weights) -> Weights:
    kernel = weights[0]
    if (
        kernel.shape[:2] != (layer.kernel_size[0], 1)
        or kernel.shape[3] != layer.filters
    ):
        kernel = np.transpose(kernel, (2, 3, 1, 0))
    return [kernel[:, 0, :, :], *weights[1:]]


def _axes(
    first: tuple[int, ...], last: tuple[int, ...] | None = None
) -> Callable[[Any, Weights], Weights]:
    """Turns the kernel: the axes where channels are first, and where they are last."""

    def turned(layer: Any, weights: Weights) -> Weights:
        axes = first if layer.data_format == "channels_first" else last
        return weights if axes is None else [weights[0].transpose(axes), *weights[1:]]

    return turned


def _gates(order: Sequence[int]) -> Callable[[Any, Weights], Weights]:
    """Joins kernels, recurrent kernels and biases, which each gate had of its own."""

    def joined(layer: Any, weights: Weights) -> Weights:
        if len(weights) != 3 * len(order):
            return weights
        parts = [[weights[3 * gate + i] for gate in order] for i in range(3)]
        if _kind(layer) == "ConvLSTM2D" and layer.data_format == "channels_first":
            parts[:2] = [[x.transpose(2, 3, 1, 0) for x in own] for own in parts[:2]]
        return [np.concatenate(own, axis=-1) for own in parts]

    return joined


_OF_KERAS_1: dict[str, Callable[[Any, Weights], Weights]] = {
    "Conv1D": _conv1d,
    Conv2D.__name__: _axes((2, 3, 1, 0)),
    "Conv2DTranspose": _axes((2, 3, 0, 1), (0, 1, 3, 2)),
    Conv3D.__name__: _axes((2, 3, 4, 1, 0)),
    "GRU": _gates((0, 1, 2)),
    # gates were: input, cell, forget, output
    "LSTM": _gates((0, 2, 1, 3)),
    "ConvLSTM2D": _gates((0, 2, 1, 3)),
}


# ----------------------------------------------------------------------- convolutions


def _flipped(kernel: np.ndarray) -> np.ndarray:
    """A kernel turned round in space: Theano's convolutions are true ones."""
    return np.flip(kernel, tuple(range(kernel.ndim - 2)))


def _convolution(
    layer: Any, kind: str, weights: Weights, backend: str | None
) -> Weights:
    kernels = 2 if kind == "ConvLSTM2D" else 1
    found = list(weights)
    if backend == "theano":
        found[:kernels] = [_flipped(k) for k in found[:kernels]]
    if int_shape(layer.weights[0]) != found[0].shape:
        found[:kernels] = [np.transpose(k, (3, 2, 0, 1)) for k in found[:kernels]]
    return found


# -------------------------------------------------------------------------- recurrent


def _recurrent(layer: Any, kind: str, weights: Weights) -> Weights:
    """Weights of cuDNN's layout for a plain layer, and the other way round.

    Raises:
      ValueError: a GRU that resets before against one that resets after.
    """
    if len(weights) != 3:
        return weights
    gates = 4 if "LSTM" in kind else 3
    size = layer.units * gates
    shape = weights[2].shape
    if gates == 4:
        if shape not in ((2 * size,), (size,)):
            raise ValueError(f"Invalid bias shape: {shape}")
        stored = "CuDNNLSTM" if shape == (2 * size,) else "LSTM"
        if stored == kind:
            return weights
        return _between_layouts(weights, 4, from_cudnn=stored == "CuDNNLSTM")
    stored = {
        (2 * size,): "CuDNNGRU",
        (2, size): "GRU(reset_after=True)",
        (size,): "GRU(reset_after=False)",
    }.get(shape)
    if stored is None:
        raise ValueError(f"Invalid bias shape: {shape}")
    wanted = kind
    if kind == "GRU":
        wanted = f"GRU(reset_after={bool(layer.reset_after)})"
    if stored == wanted:
        return weights
    kinds = {stored, wanted}
    if kinds != {"CuDNNGRU", "GRU(reset_after=True)"}:
        raise ValueError(f"{stored} is not compatible with {wanted}")
    return _between_layouts(weights, 3, from_cudnn=stored == "CuDNNGRU")


def _between_layouts(weights: Weights, gates: int, from_cudnn: bool) -> Weights:
    """cuDNN has its matrices transposed, gate by gate, and two biases."""
    order: Any = "F" if from_cudnn else "C"

    def each(kernel: np.ndarray, turn: Callable[[np.ndarray], np.ndarray]) -> Any:
        return np.hstack([turn(k) for k in np.hsplit(kernel, gates)])

    kernel = each(weights[0], lambda k: k.T.reshape(k.shape, order=order))
    recurrent = each(weights[1], lambda k: k.T)
    bias = weights[2]
    if gates == 3:
        bias = bias.reshape((2, -1) if from_cudnn else -1)
    elif from_cudnn:
        bias = np.sum(np.split(bias, 2, axis=0), axis=0)
    else:
        bias = np.tile(0.5 * bias, 2)
    return [kernel, recurrent, bias]
