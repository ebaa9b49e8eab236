"""How items of collections are written: registered by programs, or known."""

import pytest

from retrograd.formats import messages, proto_functions
from retrograd.graph.names import GraphKeys


def test_functions_for_collections():
    proto_functions.register_proto_function("tangles", int, str, int)
    assert proto_functions.get_collection_proto_type("tangles") is int
    assert proto_functions.get_to_proto_function("tangles") is str
    assert proto_functions.get_from_proto_function("unknown") is None
    with pytest.raises(KeyError, match="tangles"):
        proto_functions.register_proto_function("tangles")
    with pytest.raises(TypeError, match="to_proto must be callable"):
        proto_functions.register_proto_function("other", to_proto=3)


def test_known_collections():
    kind = proto_functions.get_collection_proto_type(GraphKeys.LOCAL_VARIABLES)
    assert kind.DESCRIPTOR.name == "VariableDef"
    kind = proto_functions.get_collection_proto_type(GraphKeys.QUEUE_RUNNERS)
    assert kind is messages.QueueRunnerDef
    with pytest.raises(KeyError, match="'variables'"):
        proto_functions.register_proto_function(GraphKeys.GLOBAL_VARIABLES)
