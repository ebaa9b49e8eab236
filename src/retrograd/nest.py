"""Nested structures: taking them apart, putting them together, comparing them.

A structure is a list, tuple, namedtuple, mapping, mapping view or attrs object that
holds leaves or further structures; anything else, strings and arrays included, is a
leaf. The values of a mapping are taken in the order of its sorted keys, whatever its
own order is, so that mappings with the same keys have the same structure.

With `expand_composites`, values made of several tensors (sparse tensors, indexed
slices) and their type specifications are structures of one element each: their
components. The modules that define such classes name them here with `register_type`.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.typing import Structure

Path = tuple[Any, ...]

_LEAF, _SEQUENCE, _NAMEDTUPLE, _MAPPING, _VIEW, _ATTRS, _COMPOSITE, _SPEC = range(8)
_kinds: dict[type, int] = {}
_KINDS_KEPT = 1024  # programs that make types without end must not fill the memory
_registered: dict[str, tuple[type, ...]] = {
    "CompositeTensor": (),
    "TypeSpec": (),
    "TensorSpec": (),
}

INVALID_KEYS = (
    "The shallow_tree's keys are not a subset of the input_tree's keys. The "
    "shallow_tree has the following keys that are not in the input_tree: {}."
)
MISMATCHING_TYPES = (
    "The two structures don't have the same sequence type. Input structure has "
    "type {input_type}, while shallow structure has type {shallow_type}."
)
MISMATCHING_LENGTHS = (
    "The two structures don't have the same sequence length. Input "
    "structure has length {input_length}, while shallow structure has length "
    "{shallow_length}."
)
INPUT_SMALLER = (
    "The input_tree has fewer elements than the shallow_tree. Input structure "
    "has length {input_size}, while shallow structure has length "
    "{shallow_size}."
)
INPUT_NO_SEQUENCE = (
    "If shallow structure is a sequence, input must also be a sequence. "
    "Input has type: {}."
)
# What TensorFlow 1.15 calls them; its own tests read these texts.
_SHALLOW_TREE_HAS_INVALID_KEYS = INVALID_KEYS
_STRUCTURES_HAVE_MISMATCHING_TYPES = MISMATCHING_TYPES
_STRUCTURES_HAVE_MISMATCHING_LENGTHS = MISMATCHING_LENGTHS
_INPUT_TREE_SMALLER_THAN_SHALLOW_TREE = INPUT_SMALLER
_IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ = INPUT_NO_SEQUENCE


def register_type(role: str, cls: type) -> None:
    """Name a class whose instances `expand_composites` treats in a way of their own.

    Args:
      role: `CompositeTensor`: has `_type_spec`, whose `_to_components(value)` and
        `_from_components(parts)` take it apart and put it together. `TypeSpec`: has
        `_component_specs` and `_from_components`. `TensorSpec`: a TypeSpec that is a
        leaf all the same.
      cls: the class; its subclasses are meant as well.
    """
    _registered[role] += (cls,)
    _kinds.clear()


def _kind(value: object) -> int:
    cls = type(value)
    kind = _kinds.get(cls)
    if kind is None:
        kind = _find_kind(value)
        if len(_kinds) < _KINDS_KEPT:
            _kinds[cls] = kind
    return kind


def _find_kind(value: object) -> int:
    if isinstance(value, _registered["CompositeTensor"]):
        return _COMPOSITE
    if isinstance(value, _registered["TypeSpec"]):
        return _LEAF if isinstance(value, _registered["TensorSpec"]) else _SPEC
    if isinstance(value, Mapping):
        return _MAPPING
    if isinstance(value, MappingView):
        return _VIEW
    if hasattr(type(value), "__attrs_attrs__"):
        return _ATTRS
    if _is_namedtuple(value):
        return _NAMEDTUPLE
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _SEQUENCE
    return _LEAF


def _is_namedtuple(instance: Structure, strict: bool = False) -> bool:
    """Whether it is a namedtuple; `strict`: of a class right below tuple."""
    if not isinstance(instance, tuple):
        return False
    if strict and type(instance).__base__ is not tuple:
        return False
    fields = getattr(instance, "_fields", None)
    return isinstance(fields, Sequence) and all(isinstance(f, str) for f in fields)


def _same_namedtuples(first: Any, second: Any) -> bool:
    """Whether two namedtuples have classes of one name, with the same fields."""
    return (
        first._fields == second._fields
        and type(first).__name__ == type(second).__name__
    )


def is_sequence(o: object) -> bool:
    """Whether a value is a structure: neither a leaf nor a composite value."""
    return _LEAF < _kind(o) < _COMPOSITE


def is_nested(seq: object) -> bool:
    """As `is_sequence`."""
    return is_sequence(seq)


def is_sequence_or_composite(o: object) -> bool:
    """Whether a value is a structure, or a composite value or its specification."""
    return _kind(o) != _LEAF


def _is_mapping(value: object) -> bool:
    return _kind(value) == _MAPPING


def _is_mapping_view(value: object) -> bool:
    return _kind(value) == _VIEW


def _is_attrs(value: object) -> bool:
    return _kind(value) == _ATTRS


def _is_composite_tensor(value: object) -> bool:
    return _kind(value) == _COMPOSITE


def _is_type_spec(value: object) -> bool:
    return _kind(value) == _SPEC


def _predicate(expand_composites: bool) -> Callable[[Any], bool]:
    return is_sequence_or_composite if expand_composites else is_sequence


def _sorted(keys: Iterable[Any]) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


def _yield_sorted_items(structure: Structure) -> Iterator[tuple[Any, Any]]:
    """The pairs (index, key or field; value) directly below a structure."""
    kind = _kind(structure)
    if kind == _MAPPING:
        for key in _sorted(structure):
            yield key, structure[key]
    elif kind == _ATTRS:
        for attribute in type(structure).__attrs_attrs__:
            yield attribute.name, getattr(structure, attribute.name)
    elif kind == _NAMEDTUPLE:
        for field in structure._fields:
            yield field, getattr(structure, field)
    elif kind == _COMPOSITE:
        # a value and its specification use one key, so that their structures match
        spec = structure._type_spec
        yield type(structure).__name__, spec._to_components(structure)
    elif kind == _SPEC:
        yield structure.value_type.__name__, structure._component_specs
    else:
        yield from enumerate(structure)


def _yield_value(structure: Structure) -> Iterator[Any]:
    if _kind(structure) in (_SEQUENCE, _NAMEDTUPLE, _VIEW):
        yield from structure
    else:
        for _, value in _yield_sorted_items(structure):
            yield value


def sequence_like(instance: Structure, args: Iterable[Any]) -> Any:
    """The values `args` in a structure of the type of `instance`."""
    kind = _kind(instance)
    if kind == _MAPPING:
        return _mapping_like(instance, dict(zip(_sorted(instance), args, strict=False)))
    if kind == _VIEW or isinstance(instance, range):
        return list(args)  # neither can be made from values
    if kind in (_NAMEDTUPLE, _ATTRS):
        return type(instance)(*args)
    if kind == _COMPOSITE:
        return instance._type_spec._from_components(*args)
    if kind == _SPEC:
        return instance._from_components(*args)
    return type(instance)(args)


def _mapping_like(instance: Structure, values: dict[Any, Any]) -> Any:
    pairs = [(key, values[key]) for key in instance]  # in the order of the original
    if type(instance) is collections.defaultdict:
        return collections.defaultdict(instance.default_factory, pairs)
    return type(instance)(pairs)


def flatten(structure: Structure, expand_composites: bool = False) -> list[Any]:
    """The leaves of a structure as a list; a leaf gives a list of itself.

    Raises:
      TypeError: a dict has keys that cannot be sorted.
    """
    flat: list[Any] = []
    _flatten_into(structure, flat, _COMPOSITE + 2 if expand_composites else _COMPOSITE)
    return flat


def _flatten_into(value: Structure, flat: list[Any], limit: int) -> None:
    kind = _kind(value)
    if kind == _LEAF or kind >= limit:
        flat.append(value)
    elif kind <= _NAMEDTUPLE:
        for item in value:
            _flatten_into(item, flat, limit)
    else:
        for item in _yield_value(value):
            _flatten_into(item, flat, limit)


class _Dot:
    """Stands for a leaf in the picture of a structure."""

    def __repr__(self) -> str:
        return "."


_DOT = _Dot()


def assert_same_structure(
    nest1: Structure,
    nest2: Structure,
    check_types: bool = True,
    expand_composites: bool = False,
) -> None:
    """Raise unless two structures are nested alike.

    Args:
      nest1: a structure or leaf.
      nest2: a structure or leaf.
      check_types: also compare the types of the structures and the keys of mappings.
        Namedtuples of one name and fields, two kinds of list and two kinds of mapping
        count as the same type.
      expand_composites: take composite values apart as well.

    Raises:
      ValueError: lengths, keys or depths differ.
      TypeError: types differ.
    """
    try:
        _Comparison(check_types, expand_composites).compare(nest1, nest2)
    except _Different as difference:
        text = (
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_shown(nest1)}\n\nSecond structure: {_shown(nest2)}"
            f"\n\nMore specifically: {difference}\n"
            f"Entire first structure:\n{map_structure(lambda _: _DOT, nest1)}\n"
            f"Entire second structure:\n{map_structure(lambda _: _DOT, nest2)}"
        )
        raise difference.kind(text) from None


class _Different(Exception):
    def __init__(self, text: str, kind: type[Exception] = ValueError) -> None:
        super().__init__(text)
        self.kind = kind


def _shown(value: object) -> str:
    return f"type={type(value).__name__} str={value}"


class _Comparison:
    """One comparison of two structures, by 1.15's rules and words."""

    def __init__(self, check_types: bool, expand_composites: bool) -> None:
        self.check_types = check_types
        self.composites = expand_composites
        self.is_seq = _predicate(expand_composites)

    def compare(self, first: Structure, second: Structure) -> None:
        nested = self.is_seq(first)
        if nested != self.is_seq(second):
            seq, leaf = (first, second) if nested else (second, first)
            raise _Different(
                f'Substructure "{_shown(seq)}" is a sequence, while substructure '
                f'"{_shown(leaf)}" is not'
            )
        if not nested:
            return
        if self.check_types:
            self.compare_types(first, second)
        if self.composites and _COMPOSITE in (_kind(first), _kind(second)):
            self.compare_specs(first, second)
        ours, theirs = list(_yield_value(first)), list(_yield_value(second))
        for one, other in zip(ours, theirs, strict=False):
            self.compare(one, other)
        if len(ours) != len(theirs):
            raise _Different(
                "The two structures don't have the same number of elements. First "
                f"structure: {_shown(first)}. Second structure: {_shown(second)}"
            )

    def compare_types(self, first: Structure, second: Structure) -> None:
        if _is_namedtuple(first, True) and _is_namedtuple(second, True):
            same = _same_namedtuples(first, second)
        else:
            same = type(first) is type(second) or self.alike(first, second)
        if not same:
            raise _Different(
                "The two namedtuples don't have the same sequence type. First "
                f"structure {_shown(first)} has type {type(first).__name__}, while "
                f"second structure {_shown(second)} has type {type(second).__name__}",
                TypeError,
            )
        if _is_mapping(first) and (
            len(first) != len(second) or any(key not in second for key in first)
        ):
            raise _Different(
                "The two dictionaries don't have the same set of keys. First structure "
                f"has keys {_shown(list(first))}, while second structure has keys "
                f"{_shown(list(second))}"
            )

    def alike(self, first: Structure, second: Structure) -> bool:
        if isinstance(first, list) and isinstance(second, list):
            return True
        kinds = {_kind(first), _kind(second)}
        if kinds == {_MAPPING}:
            return True
        return self.composites and kinds == {_COMPOSITE, _SPEC}

    def compare_specs(self, first: Structure, second: Structure) -> None:
        one = first._type_spec if _is_composite_tensor(first) else first
        other = second._type_spec if _is_composite_tensor(second) else second
        try:
            one.most_specific_compatible_type(other)
        except Exception:
            raise _Different(
                "Incompatible CompositeTensor TypeSpecs: "
                f"{_shown(one)} vs. {_shown(other)}"
            ) from None


def flatten_dict_items(dictionary: Mapping[Any, Any]) -> dict[Any, Any]:
    """A dict in which keys that are structures are paired, leaf by leaf, with values.

    `{(4, 5, (6, 8)): ("a", "b", ("c", "d"))}` gives `{4: "a", 5: "b", 6: "c", 8: "d"}`.

    Raises:
      TypeError: the argument is not a mapping.
      ValueError: a key and its value differ in length, or a flat key occurs twice.
    """
    if not isinstance(dictionary, Mapping):
        raise TypeError("input must be a dictionary")
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys, values = [key], [value]
        if is_sequence(key):
            keys, values = flatten(key), flatten(value)
            if len(keys) != len(values):
                raise ValueError(
                    f"Could not flatten dictionary. Key had {len(keys)} elements, but "
                    f"value had {len(values)} elements. Key: {keys}, value: {values}."
                )
        for one, its in zip(keys, values, strict=True):
            if one in flat:
                raise ValueError(
                    f"Could not flatten dictionary: key {one} is not unique."
                )
            flat[one] = its
    return flat


def pack_sequence_as(
    structure: Structure, flat_sequence: Sequence[Any], expand_composites: bool = False
) -> Any:
    """The leaves `flat_sequence` in a structure like `structure`.

    Raises:
      TypeError: `flat_sequence` is not a sequence.
      ValueError: their numbers of leaves differ.
    """
    is_seq = _predicate(expand_composites)
    if not is_seq(flat_sequence):
        raise TypeError("flat_sequence must be a sequence")
    if not is_seq(structure):
        if len(flat_sequence) != 1:
            raise ValueError(
                "Structure is a scalar but len(flat_sequence) == "
                f"{len(flat_sequence)} > 1"
            )
        return flat_sequence[0]
    try:
        taken, packed = _packed(structure, flat_sequence, 0, is_seq)
        if taken < len(flat_sequence):
            raise IndexError
    except IndexError:
        leaves = flatten(structure, expand_composites)
        if len(leaves) == len(flat_sequence):
            raise
        raise ValueError(
            f"Could not pack sequence. Structure had {len(leaves)} elements, but "
            f"flat_sequence had {len(flat_sequence)} elements.  Structure: {structure},"
            f" flat_sequence: {flat_sequence}."
        ) from None
    return sequence_like(structure, packed)


def _packed(
    structure: Structure, flat: Sequence[Any], index: int, is_seq: Callable[[Any], bool]
) -> tuple[int, list[Any]]:
    packed = []
    for item in _yield_value(structure):
        if is_seq(item):
            index, below = _packed(item, flat, index, is_seq)
            packed.append(sequence_like(item, below))
        else:
            packed.append(flat[index])
            index += 1
    return index, packed


def map_structure(
    func: Callable[..., Any], *structure: Structure, **kwargs: bool
) -> Any:
    """A structure like the first one, of `func(leaf, leaf of the next, …)`.

    Args:
      func: called once for each leaf, with one argument from each structure.
      *structure: structures that are nested alike.
      **kwargs: `check_types` (True) and `expand_composites` (False), as in
        `assert_same_structure`.

    Raises:
      TypeError: `func` is not callable, or the types of the structures differ.
      ValueError: no structure, an unknown argument, or structures that differ.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(
            "Only valid keyword arguments are `check_types` and "
            f"`expand_composites`, not: `{'`, `'.join(kwargs)}`"
        )
    for other in structure[1:]:
        assert_same_structure(
            structure[0],
            other,
            check_types=check_types,
            expand_composites=expand_composites,
        )
    leaves = zip(*(flatten(s, expand_composites) for s in structure), strict=True)
    return pack_sequence_as(
        structure[0], [func(*each) for each in leaves], expand_composites
    )


def map_structure_with_paths(
    func: Callable[..., Any], *structure: Structure, **kwargs: bool
) -> Any:
    """As `map_structure`, with the path "a/0/b" as the first argument of `func`."""

    def with_text(path: Path, *values: object, **more: object) -> Any:
        return func("/".join(str(part) for part in path), *values, **more)

    return map_structure_with_tuple_paths_up_to(
        structure[0], with_text, *structure, **kwargs
    )


def map_structure_with_tuple_paths(
    func: Callable[..., Any], *structure: Structure, **kwargs: bool
) -> Any:
    """As `map_structure`, with the path ("a", 0, "b") as first argument of `func`."""
    return map_structure_with_tuple_paths_up_to(
        structure[0], func, *structure, **kwargs
    )


def _yield_flat_up_to(
    shallow_tree: Structure,
    input_tree: Structure,
    is_seq: Callable[[Any], bool],
    path: Path = (),
) -> Iterator[tuple[Path, Any]]:
    """Pairs of a leaf's path in `shallow_tree` and what `input_tree` has there."""
    if not is_seq(shallow_tree):
        yield path, input_tree
        return
    below = dict(_yield_sorted_items(input_tree))
    for key, subtree in _yield_sorted_items(shallow_tree):
        yield from _yield_flat_up_to(subtree, below[key], is_seq, (*path, key))


def assert_shallow_structure(
    shallow_tree: Structure,
    input_tree: Structure,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> None:
    """Raise unless `input_tree` is `shallow_tree` with structures in place of leaves.

    Args:
      shallow_tree: the upper part of the structure.
      input_tree: the structure.
      check_types: also compare the types of the structures.
      expand_composites: take composite values apart as well.
      check_subtrees_length: sequences must have the same length; else `input_tree` may
        have more elements.

    Raises:
      TypeError: types differ, or `input_tree` has a leaf where `shallow_tree` goes on.
      ValueError: lengths or keys differ.
    """
    is_seq = _predicate(expand_composites)
    if not is_seq(shallow_tree):
        return
    if not is_seq(input_tree):
        raise TypeError(INPUT_NO_SEQUENCE.format(type(input_tree)))
    if check_types and not isinstance(input_tree, type(shallow_tree)):
        _check_shallow_types(shallow_tree, input_tree)
    kinds = {_kind(shallow_tree), _kind(input_tree)}
    if _COMPOSITE in kinds:
        _check_shallow_specs(shallow_tree, input_tree, kinds)
    elif _is_type_spec(shallow_tree):
        if not _is_type_spec(input_tree):
            raise TypeError(
                "If shallow structure is a TypeSpec, input must also be a TypeSpec.  "
                f"Input has type: {type(input_tree)}."
            )
    else:
        _check_shallow_sizes(shallow_tree, input_tree, check_subtrees_length)
    pairs = zip(_yield_value(shallow_tree), _yield_value(input_tree), strict=False)
    for shallow_branch, input_branch in pairs:
        assert_shallow_structure(
            shallow_branch,
            input_branch,
            check_types=check_types,
            expand_composites=expand_composites,
            check_subtrees_length=check_subtrees_length,
        )


def _mismatched(shallow_tree: Structure, input_tree: Structure) -> TypeError:
    return TypeError(
        MISMATCHING_TYPES.format(
            input_type=type(input_tree), shallow_type=type(shallow_tree)
        )
    )


def _check_shallow_types(shallow_tree: Structure, input_tree: Structure) -> None:
    kinds = {_kind(shallow_tree), _kind(input_tree)}
    if _is_namedtuple(shallow_tree) and _is_namedtuple(input_tree):
        same = _same_namedtuples(shallow_tree, input_tree)
    else:
        # a value and its specification are compared later
        same = kinds in ({_MAPPING}, {_COMPOSITE, _SPEC})
    if not same:
        raise _mismatched(shallow_tree, input_tree)


def _check_shallow_specs(
    shallow_tree: Structure, input_tree: Structure, kinds: set[int]
) -> None:
    if not kinds <= {_COMPOSITE, _SPEC}:
        raise _mismatched(shallow_tree, input_tree)
    shallow, given = (
        tree._type_spec if _is_composite_tensor(tree) else tree
        for tree in (shallow_tree, input_tree)
    )
    try:
        shallow.most_specific_compatible_type(given)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Incompatible CompositeTensor TypeSpecs: {shallow} vs. {given} -- {error}"
        ) from None


def _check_shallow_sizes(
    shallow_tree: Structure, input_tree: Structure, check_subtrees_length: bool
) -> None:
    given, wanted = len(input_tree), len(shallow_tree)
    if check_subtrees_length and given != wanted:
        raise ValueError(
            MISMATCHING_LENGTHS.format(input_length=given, shallow_length=wanted)
        )
    if given < wanted:
        raise ValueError(INPUT_SMALLER.format(input_size=given, shallow_size=wanted))
    if _is_mapping(shallow_tree):
        absent = set(shallow_tree) - set(input_tree)
        if absent:
            raise ValueError(INVALID_KEYS.format(sorted(absent)))


def flatten_up_to(
    shallow_tree: Structure,
    input_tree: Structure,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[Any]:
    """What `input_tree` has at each leaf of `shallow_tree`, as a list.

    Raises:
      TypeError, ValueError: as `assert_shallow_structure`.
    """
    pairs = flatten_with_tuple_paths_up_to(
        shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length
    )
    return [value for _, value in pairs]


def flatten_with_tuple_paths_up_to(
    shallow_tree: Structure,
    input_tree: Structure,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[tuple[Path, Any]]:
    """As `flatten_up_to`, in pairs of the leaf's path and the value."""
    assert_shallow_structure(
        shallow_tree,
        input_tree,
        check_types=check_types,
        expand_composites=expand_composites,
        check_subtrees_length=check_subtrees_length,
    )
    is_seq = _predicate(expand_composites)
    return list(_yield_flat_up_to(shallow_tree, input_tree, is_seq))


def map_structure_up_to(
    shallow_tree: Structure,
    func: Callable[..., Any],
    *inputs: Structure,
    **kwargs: bool,
) -> Any:
    """A structure like `shallow_tree`, of `func` of what each input has at its leaves.

    Raises:
      TypeError, ValueError: as `assert_shallow_structure`, or no inputs.
    """

    def without_path(path: Path, *values: object, **more: object) -> Any:
        del path
        return func(*values, **more)

    return map_structure_with_tuple_paths_up_to(
        shallow_tree, without_path, *inputs, **kwargs
    )


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Structure,
    func: Callable[..., Any],
    *inputs: Structure,
    **kwargs: bool,
) -> Any:
    """As `map_structure_up_to`, with the leaf's path as the first argument of `func`.

    Args:
      shallow_tree: gives the result its structure.
      func: called with the path and one value from each input.
      *inputs: structures that begin as `shallow_tree` does.
      **kwargs: `check_types`, `expand_composites`, `check_subtrees_length` as in
        `assert_shallow_structure`; all others go to `func`.
    """
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    check_length = kwargs.pop("check_subtrees_length", True)
    flat = [
        flatten_with_tuple_paths_up_to(
            shallow_tree, tree, check_types, expand_composites, check_length
        )
        for tree in inputs
    ]
    results = [
        func(each[0][0], *(value for _, value in each), **kwargs)
        for each in zip(*flat, strict=True)
    ]
    return pack_sequence_as(shallow_tree, results, expand_composites)


def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any],
    structure: Structure,
    expand_composites: bool = False,
) -> Any:
    """A structure of bools that says how deep `traverse_fn` lets one go.

    Args:
      traverse_fn: for a part of the structure, True or False, or a structure of depth
        one of them, for each of its elements.
      structure: the structure.
      expand_composites: take composite values apart as well.

    Raises:
      TypeError: `traverse_fn` gave something else.
    """
    is_seq = _predicate(expand_composites)
    to_traverse = traverse_fn(structure)
    if not is_seq(structure):
        if not isinstance(to_traverse, bool):
            raise TypeError(
                f"traverse_fn returned structure: {to_traverse} for non-structure: "
                f"{structure}"
            )
        return to_traverse
    branches = list(_yield_value(structure))
    if isinstance(to_traverse, bool):
        if not to_traverse:
            return False
        wanted = [True] * len(branches)
    elif not is_seq(to_traverse):
        raise TypeError(
            f"traverse_fn returned a non-bool scalar: {to_traverse} for input: "
            f"{structure}"
        )
    else:
        assert_shallow_structure(
            to_traverse, structure, expand_composites=expand_composites
        )
        wanted = list(_yield_value(to_traverse))
    if not all(isinstance(want, bool) for want in wanted):
        raise TypeError(
            "traverse_fn didn't return a depth=1 structure of bools.  saw: "
            f"{to_traverse}  for structure: {structure}"
        )
    level = [
        get_traverse_shallow_structure(traverse_fn, branch, expand_composites)
        if want
        else False
        for want, branch in zip(wanted, branches, strict=False)
    ]
    return sequence_like(structure, level)


def yield_flat_paths(
    nest: Structure, expand_composites: bool = False
) -> Iterator[Path]:
    """The path of each leaf, as a tuple of keys, fields and indices."""
    is_seq = _predicate(expand_composites)
    for path, _ in _yield_flat_up_to(nest, nest, is_seq):
        yield path


def flatten_with_joined_string_paths(
    structure: Structure, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Pairs of each leaf's path as text and the leaf."""
    return [
        (separator.join(str(part) for part in path), leaf)
        for path, leaf in flatten_with_tuple_paths(structure, expand_composites)
    ]


def flatten_with_tuple_paths(
    structure: Structure, expand_composites: bool = False
) -> list[tuple[Path, Any]]:
    """Pairs of each leaf's path as a tuple and the leaf."""
    is_seq = _predicate(expand_composites)
    return list(_yield_flat_up_to(structure, structure, is_seq))
