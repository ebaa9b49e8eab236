"""Nested structures; the texts of errors are TensorFlow 1.15's."""

import collections

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrograd import nest

Point = collections.namedtuple("Point", "x y")


@attrs.define
class Pair:
    left: object
    right: object


def test_flatten_and_pack():
    structure = {"b": [1, (2, 3)], "a": Point(4, {"k": 5}), "c": Pair(6, "text")}
    flat = nest.flatten(structure)
    assert flat == [4, 5, 1, 2, 3, 6, "text"]
    packed = nest.pack_sequence_as(structure, [str(x) for x in flat])
    assert packed == {
        "b": ["1", ("2", "3")],
        "a": Point("4", {"k": "5"}),
        "c": Pair("6", "text"),
    }
    assert list(packed) == ["b", "a", "c"]  # the order of the original
    assert nest.flatten(3) == [3]
    assert nest.pack_sequence_as(0, [7]) == 7


def test_kinds_of_mapping_and_sequence():
    ordered = collections.OrderedDict([("z", 1), ("a", 2)])
    assert nest.flatten(ordered) == [2, 1]
    assert type(nest.pack_sequence_as(ordered, [0, 0])) is collections.OrderedDict
    default = collections.defaultdict(list, {"a": 1})
    packed = nest.map_structure(lambda x: x + 1, default)
    assert packed == {"a": 2} and packed["new"] == []
    assert nest.flatten({"a": 1}.values()) == [1]
    assert nest.pack_sequence_as(range(2), [5, 6]) == [5, 6]
    assert not nest.is_sequence("text") and not nest.is_sequence({1, 2})
    assert nest.is_nested([]) and nest.is_sequence({}.keys())


def test_keys_must_sort():
    with pytest.raises(TypeError, match="nest only supports dicts with sortable keys"):
        nest.flatten({"a": 1, 2: 3})


def test_pack_errors():
    with pytest.raises(TypeError, match="flat_sequence must be a sequence"):
        nest.pack_sequence_as([1], 3)
    with pytest.raises(ValueError, match=r"scalar but len\(flat_sequence\) == 2 > 1"):
        nest.pack_sequence_as(1, [2, 3])
    for flat in ([1], [1, 2, 3]):
        with pytest.raises(ValueError, match="Structure had 2 elements, but flat_seq"):
            nest.pack_sequence_as([0, 0], flat)


def test_map_structure():
    assert nest.map_structure(lambda a, b: a + b, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert nest.map_structure(max, [1], (2,), check_types=False) == [2]
    with pytest.raises(TypeError, match="func must be callable, got: 3"):
        nest.map_structure(3, [1])
    with pytest.raises(ValueError, match="Must provide at least one structure"):
        nest.map_structure(max)
    with pytest.raises(ValueError, match="Only valid keyword arguments are"):
        nest.map_structure(max, [1], types=False)


@pytest.mark.parametrize(
    "first, second, kind, text",
    [
        ([1, 2], [1], ValueError, "don't have the same number of elements"),
        ([1], 1, ValueError, 'Substructure "type=list str=[1]" is a sequence, while'),
        ([1], (1,), TypeError, "have the same sequence type. First structure"),
        ({"a": 1}, {"b": 1}, ValueError, "don't have the same set of keys."),
    ],
)
def test_different_structures(first, second, kind, text):
    with pytest.raises(kind) as caught:
        nest.assert_same_structure(first, second)
    lines = str(caught.value).splitlines()
    assert lines[0] == "The two structures don't have the same nested structure."
    assert text in str(caught.value)
    assert "Entire first structure:" in lines


def test_same_enough_structures():
    twin = collections.namedtuple("Point", "x y")
    nest.assert_same_structure(Point(1, 2), twin(3, 4))
    nest.assert_same_structure({"a": 1}, collections.OrderedDict(a=2))
    nest.assert_same_structure([1, (2,)], (1, [2]), check_types=False)
    other = collections.namedtuple("Other", "x y")
    with pytest.raises(TypeError):
        nest.assert_same_structure(Point(1, 2), other(3, 4))


def test_up_to():
    assert nest.flatten_up_to([0, [0]], [[1, 2], [[3]]]) == [[1, 2], [3]]
    assert nest.map_structure_up_to([0, 0], len, [[1, 2], [3]]) == [2, 1]
    with pytest.raises(TypeError, match="input must also be a sequence"):
        nest.flatten_up_to([0], 1)
    with pytest.raises(ValueError, match="has length 1, while shallow"):
        nest.flatten_up_to([0, 0], [1])
    with pytest.raises(ValueError, match=r"not in the input_tree: \['b'\]"):
        nest.flatten_up_to({"a": 0, "b": 0}, {"a": 1, "c": 2})
    nest.assert_shallow_structure([0], [1, 2], check_subtrees_length=False)
    with pytest.raises(TypeError, match="don't have the same sequence type"):
        nest.assert_shallow_structure([0], (1,))


def test_paths():
    structure = {"a": [1, Point(2, 3)]}
    assert list(nest.yield_flat_paths(structure)) == [
        ("a", 0),
        ("a", 1, "x"),
        ("a", 1, "y"),
    ]
    assert nest.flatten_with_joined_string_paths(structure) == [
        ("a/0", 1),
        ("a/1/x", 2),
        ("a/1/y", 3),
    ]
    assert nest.map_structure_with_paths(lambda p, x: f"{p}={x}", [5]) == ["0=5"]
    with_tuple = nest.map_structure_with_tuple_paths(lambda p, x: (p[-1], x), {"k": 5})
    assert with_tuple == {"k": ("k", 5)}


def test_traverse():
    structure = [[1, [2]], (3,)]
    shallow = nest.get_traverse_shallow_structure(
        lambda s: not isinstance(s, tuple), structure
    )
    assert shallow == [[True, [True]], False]
    with pytest.raises(TypeError, match="didn't return a depth=1 structure of bools"):
        nest.get_traverse_shallow_structure(lambda s: [[True, True], True], structure)
    with pytest.raises(TypeError, match="returned a non-bool scalar"):
        nest.get_traverse_shallow_structure(lambda s: "no", structure)


def test_flatten_dict_items():
    nested = {(4, 5, (6, 8)): ("a", "b", ("c", "d")), 9: "e"}
    assert nest.flatten_dict_items(nested) == {4: "a", 5: "b", 6: "c", 8: "d", 9: "e"}
    with pytest.raises(ValueError, match="key 1 is not unique"):
        nest.flatten_dict_items({(1,): (2,), 1: 3})
    with pytest.raises(ValueError, match="Key had 2 elements, but value had 1"):
        nest.flatten_dict_items({(1, 2): (3,)})


class Spec:
    value_type = property(lambda self: Whole)
    _component_specs = ("s", "s")

    def _to_components(self, whole):
        return whole.parts

    def _from_components(self, parts):
        return Whole(parts)

    def most_specific_compatible_type(self, other):
        return self


class Whole:
    def __init__(self, parts):
        self.parts = tuple(parts)

    _type_spec = property(lambda self: Spec())


@pytest.fixture
def registered():
    before = dict(nest._registered)
    nest.register_type("CompositeTensor", Whole)
    nest.register_type("TypeSpec", Spec)
    yield
    nest._registered.update(before)
    nest._kinds.clear()


def test_composites(registered):
    whole = Whole((1, 2))
    assert nest.flatten([whole, 3]) == [whole, 3]
    assert nest.flatten([whole, 3], expand_composites=True) == [1, 2, 3]
    packed = nest.pack_sequence_as([whole, 3], [4, 5, 6], expand_composites=True)
    assert packed[0].parts == (4, 5) and packed[1] == 6
    nest.assert_same_structure([whole], [Spec()], expand_composites=True)
    assert nest.is_sequence_or_composite(whole) and not nest.is_sequence(whole)


STRUCTURES = st.recursive(
    st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=20,
)


@given(STRUCTURES)
def test_flatten_then_pack_is_the_identity(structure):
    assert nest.pack_sequence_as(structure, nest.flatten(structure)) == structure
    paths = list(nest.yield_flat_paths(structure))
    assert len(paths) == len(nest.flatten(structure))
