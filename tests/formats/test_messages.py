"""Protocol messages that tensorboard lacks, against TensorFlow 1.15's descriptions."""

import copy
import json
import pathlib
import pickle

import pytest

from retrograd.formats import messages

DATA = pathlib.Path(__file__).parent.parent / "data" / "messages.json"
REFERENCE = json.loads(DATA.read_text())


def of(name):
    found = messages
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", sorted(REFERENCE["fields"]))
def test_fields_are_those_of_115(name):
    fields = []
    for field in of(name).DESCRIPTOR.fields:
        oneof = field.containing_oneof
        label = 3 if field.is_repeated else 1
        row = [field.name, field.number, field.type, label]
        fields.append([*row, oneof.name if oneof else None])
    assert sorted(fields) == sorted(REFERENCE["fields"][name])


def test_bytes_are_those_of_115():
    example = messages.Example()
    feature = example.features.feature
    feature["a"].int64_list.value.extend([1, -2])
    feature["b"].bytes_list.value.append(b"x")
    feature["c"].float_list.value.append(1.5)
    data = example.SerializeToString(deterministic=True)
    assert data.hex() == REFERENCE["example"]
    assert messages.Example.FromString(data) == example
    assert pickle.loads(pickle.dumps(example)) == example == copy.deepcopy(example)


def test_enums():
    assert messages.Code.Name(3) == "INVALID_ARGUMENT"
    assert messages.OUT_OF_RANGE == 11
    assert messages.BundleHeaderProto.BIG == 1


def test_fields_hold_tensorboards_copies():
    from tensorboard.compat.proto import meta_graph_pb2, types_pb2

    model = messages.SavedModel(saved_model_schema_version=1)
    model.meta_graphs.append(meta_graph_pb2.MetaGraphDef())
    entry = messages.BundleEntryProto(dtype=types_pb2.DT_INT8, crc32c=7)
    assert len(model.meta_graphs) == 1 and entry.dtype == 6
