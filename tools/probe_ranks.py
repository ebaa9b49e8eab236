"""Find out which ranks TensorFlow 1.15's shape functions let each input have.

`bounds_of(op)` imports graphs of one node whose inputs are placeholders: all of unknown
shape but one, which has each rank in turn, and each length if it must be a vector. What
is refused whatever the attributes are, no graph may have. Used by `make_opdefs.py`,
under TensorFlow 1.15.5.
"""

import ast
import itertools
import os

import tensorflow as tf
from tensorflow.core.framework import graph_pb2, types_pb2

#: ranks that are tried; one that may be higher than all of them has no bound
HIGHEST = 7
#: lengths of vectors that are tried
LENGTHS = (0, 1, 2, 3, 4, 5, 8)
#: versions of GraphDefs: 1.15's own, and one that allowed more ranks
NOW, OLD = 134, 20
INTEGERS = (types_pb2.DT_INT32, types_pb2.DT_INT64)
#: what attributes without default are tried with, by kind
VALUES = {
    "int": [1, 2],
    "float": [0.5],
    "bool": [True, False],
    "string": [b"", b"a"],
    "type": [types_pb2.DT_FLOAT, types_pb2.DT_INT32],
    "shape": [None],
    "list(int)": [[1] * 4, [1] * 5, [1] * 2, [1], []],
    "list(float)": [[1.0], []],
    "list(string)": [[b"a"], []],
    "list(type)": [[types_pb2.DT_FLOAT], [types_pb2.DT_FLOAT] * 2],
    "list(shape)": [[None], []],
    "list(bool)": [[True]],
    "func": ["f"],
    "list(func)": [["f"]],
}


def write(value, kind, content):
    """Fill in an AttrValue."""
    inner = kind[5:-1] if kind.startswith("list(") else kind
    field = {"int": "i", "float": "f", "bool": "b", "string": "s"}.get(inner, inner)
    items = content if inner != kind else [content]
    if inner != kind:
        value.list.SetInParent()
    for item in items:
        if field in ("shape", "func"):
            target = getattr(value.list, field).add() if inner != kind else None
            target = getattr(value, field) if target is None else target
            if field == "shape":
                target.unknown_rank = True
            else:
                target.name = item
        elif inner != kind:
            getattr(value.list, field).append(item)
        else:
            setattr(value, field, item)


def variants(op):
    """Attributes to try: the first that fit, then others, one changed at a time."""
    choices = {}
    for attr in op.attr:
        allowed = attr.allowed_values.list
        found = list(allowed.type) or list(allowed.s)
        if attr.type == "type" and found:
            usual = [t for t in (1, 3, 9, 2, 7) if t in found]
            found = (usual or found)[:3]
        if attr.type.startswith("list(") and found:
            found = [found[:1], found[:1] * 2]
        found = found or list(VALUES.get(attr.type, []))
        if attr.type == "int" and attr.has_minimum:
            found = [max(attr.minimum, n) for n in found]
        if attr.HasField("default_value"):
            varied = attr.type in ("bool", "string", "type")
            found = [None, *found] if varied else [None]
        if not found:
            return
        choices[attr.name] = found
    first = {name: found[0] for name, found in choices.items()}
    yield first
    together = [a.name for a in op.attr if first[a.name] == VALUES["list(int)"][0]]
    for sizes in VALUES["list(int)"][1:] if len(together) > 1 else ():
        yield dict(first, **{name: sizes for name in together})
    lists = [n for n in choices if len(choices[n]) > 1]
    for name in lists:
        for value in choices[name][1:]:
            yield dict(first, **{name: value})
    pairs = itertools.combinations(lists, 2)
    for one, other in itertools.islice(pairs, 12):
        yield dict(first, **{one: choices[one][-1], other: choices[other][-1]})


def types_of(op, arg, attrs):
    """The dtypes of the tensors that an argument stands for."""
    kinds = {a.name: a for a in op.attr}

    def content(name):
        if attrs[name] is not None:
            return attrs[name]
        default = kinds[name].default_value
        which = default.WhichOneof("value")
        return list(default.list.type) if which == "list" else getattr(default, which)

    if arg.type_list_attr:
        return list(content(arg.type_list_attr))
    dtype = arg.type or content(arg.type_attr)
    return [dtype] * (content(arg.number_attr) if arg.number_attr else 1)


def graph_of(op, attrs, chosen, sizes, version, constant=False):
    """A GraphDef with a node of an op type; the chosen input has these sizes.

    `constant`: whether a scalar is the constant −1, which may stand for no shape.
    """
    graph_def = graph_pb2.GraphDef()
    graph_def.versions.producer = version
    node = graph_pb2.GraphDef().node.add(name="n", op=op.name)
    place = 0
    for arg in op.input_arg:
        for dtype in types_of(op, arg, attrs):
            source = graph_def.node.add(name=f"x{place}")
            source.op = "VariableV2" if arg.is_ref else "Placeholder"
            source.attr["dtype"].type = dtype
            if place == chosen and constant and dtype in INTEGERS:
                source.op = "Const"
                tensor = tf.compat.v1.make_tensor_proto(-1, tf.as_dtype(dtype))
                source.attr["value"].tensor.CopyFrom(tensor)
            elif place == chosen:
                source.attr["shape"].shape.SetInParent()
                for size in sizes:
                    source.attr["shape"].shape.dim.add(size=size)
            else:
                source.attr["shape"].shape.unknown_rank = True
            node.input.append(source.name)
            place += 1
    for attr in op.attr:
        if attrs[attr.name] is not None:
            write(node.attr[attr.name], attr.type, attrs[attr.name])
    graph_def.node.add().CopyFrom(node)
    return graph_def


def is_taken(op, attrs, place, sizes, apart):
    """Whether 1.15 takes a node, one of whose inputs has these sizes.

    Graphs of old versions may have more, but a scalar in them is of any rank.
    """
    versions = [NOW, OLD] if sizes else [NOW]
    if op.HasField("deprecation"):
        versions = [op.deprecation.version - 1]
    graphs = [graph_of(op, attrs, place, sizes, v) for v in versions]
    if sizes == ():
        graphs.append(graph_of(op, attrs, place, sizes, versions[0], True))
    if apart:
        return any(in_child(lambda g=g: is_imported(g)) for g in graphs)
    return any(map(is_imported, graphs))


def is_imported(graph_def):
    """Whether 1.15 takes a GraphDef."""
    with tf.Graph().as_default():
        try:
            tf.import_graph_def(graph_def, name="")
        except (ValueError, tf.errors.OpError):
            return False
    return True


def in_child(function):
    """What a function returns in a child process; None where that dies."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, repr(function()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read().decode()
    os.waitpid(child, 0)
    return ast.literal_eval(text) if text else None


def bounds_of(op):
    """For each argument, what `opdefs.tsv` says of its rank; nothing if any is taken.

    An import ends the process at times: if so, each is done in one of its own.
    """
    found = in_child(lambda: _bounds_of(op, False))
    return _bounds_of(op, True) if found is None else found


def _bounds_of(op, apart):
    ranks = [(-1,) * rank for rank in range(HIGHEST + 1)]
    taken = _taken(op, ranks, range(len(op.input_arg)), apart)
    bounds = [_range({len(sizes) for sizes in found}) for found in taken]
    vectors = [index for index, text in enumerate(bounds) if text == "#1-1"]
    lengths = _taken(op, [(n,) for n in LENGTHS], vectors, apart)
    for index in vectors:
        if len(lengths[index]) == 1:
            bounds[index] = "#[{}]".format(*lengths[index].pop())
    return bounds


def _taken(op, shapes, chosen, apart):
    """For each argument, those of the shapes that it may have with some attributes."""
    taken = [set() for _ in op.input_arg]
    for attrs in variants(op):
        if not is_taken(op, attrs, None, None, apart):
            continue
        place = 0
        for index, arg in enumerate(op.input_arg):
            count = len(types_of(op, arg, attrs))
            for sizes in shapes if count and index in chosen else ():
                if sizes not in taken[index] and is_taken(
                    op, attrs, place, sizes, apart
                ):
                    taken[index].add(sizes)
            place += count
    return taken


def _range(ranks):
    low, high = min(ranks, default=0), max(ranks, default=0)
    whole = ranks == set(range(low, high + 1))
    if not whole or (low == 0 and high == HIGHEST):
        return ""
    return f"#{low}+" if high == HIGHEST else f"#{low}-{high}"
