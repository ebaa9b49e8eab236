"""Ways to break a GraphDef: each changes something that an importer must look at."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from retrograd.graph import opdef
from retrograd.util import protos

AttrValue = protos.message("attr_value.AttrValue")

NAMES = [
    "", "a b", "a\n", "a\0b", "/a", "_a", "-a", "a:0", "^a", "é", "a/", "a//b", ".a",
    "a>b", "\\", "x" * 300,
]  # fmt: skip
INPUTS = ["", "^", ":", ":0", "missing", "^missing", "missing:1", "a b", "^a:0"]
NUMBERS = [-1, 0, 1, 2, 3, 5, 7, 100, 2**31 - 1, 2**31, -(2**31), 2**40, 2**63 - 1]
SIZES = [-3, -2, -1, 0, 1, 2, 3, 7, 2**20, 2**31, 2**40, 2**62, 2**63 - 1]
FIELDS = ("s", "i", "f", "b", "type", "shape", "tensor", "func")
DEVICES = ["/cpu:0", "/job:a/task:1", "/gpu:0", "junk", "/device:CPU:x", "/cpu:0/cpu:1"]
CLASSES = [b"loc:@", b"loc:@missing", b"missing", b"", b"\xff"]

Mutation = Callable[[random.Random, Any], None]


def mutate(rng: random.Random, graph_def: Any) -> None:
    """Break one thing."""
    if rng.random() < 0.12:
        rng.choice(WHOLE)(rng, graph_def)
        return
    nodes = list(graph_def.node)
    for function in graph_def.library.function:
        if rng.random() < 0.5:
            nodes = list(function.node_def)
    if nodes:
        rng.choice(NODE)(rng, rng.choice(nodes))


# ---------------------------------------------------------------------- nodes


def _rename(rng: random.Random, node: Any) -> None:
    node.name = rng.choice(NAMES)


def _retype(rng: random.Random, node: Any) -> None:
    node.op = rng.choice(["", "Nothing", "Neg", "NoOp", "f0", "Identity", "Merge"])


def _drop_input(rng: random.Random, node: Any) -> None:
    if node.input:
        del node.input[rng.randrange(len(node.input))]


def _repeat_input(rng: random.Random, node: Any) -> None:
    if node.input:
        node.input.append(rng.choice(node.input))


def _swap_inputs(rng: random.Random, node: Any) -> None:
    inputs = list(node.input)
    rng.shuffle(inputs)
    node.input[:] = inputs


def _replace_input(rng: random.Random, node: Any) -> None:
    if node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice([*INPUTS, node.name])


def _index_input(rng: random.Random, node: Any) -> None:
    if node.input:
        place = rng.randrange(len(node.input))
        index = rng.choice(["0", "1", "7", "01", "-1", "x", "4294967297", "9" * 30, ""])
        node.input[place] = f"{node.input[place].partition(':')[0]}:{index}"


def _control(rng: random.Random, node: Any) -> None:
    """A control input somewhere, or in the place of a data input."""
    if node.input:
        place = rng.randrange(len(node.input))
        name = node.input[place].partition(":")[0].lstrip("^")
        inputs = list(node.input)
        if rng.random() < 0.5:
            inputs[place] = f"^{name}"
        else:
            inputs.insert(rng.choice([0, len(inputs)]), f"^{name}")
        node.input[:] = inputs


def _drop_attr(rng: random.Random, node: Any) -> None:
    if node.attr:
        del node.attr[rng.choice(sorted(node.attr))]


def _empty_attr(rng: random.Random, node: Any) -> None:
    if node.attr:
        node.attr[rng.choice(sorted(node.attr))].Clear()


def any_value(rng: random.Random, value: Any) -> None:
    """Give an attribute a value of any kind."""
    value.Clear()
    if rng.random() < 0.05:
        value.placeholder = "T"
        return
    target = value
    if rng.random() < 0.3:
        value.list.SetInParent()
        target = value.list
    for _ in range(rng.choice([0, 1, 1, 2]) if target is not value else 1):
        _fill(rng, target, rng.choice(FIELDS))


def _fill(rng: random.Random, target: Any, field: str) -> None:
    plain = {
        "s": rng.choice([b"", b"a", b"loc:@a", b"\xff"]),
        "i": rng.choice(NUMBERS),
        "f": rng.choice([0.0, -1.5, float("inf"), float("nan")]),
        "b": rng.random() < 0.5,
        "type": rng.choice([0, 1, 3, 7, 9, 10, 20, 21, 23, 24, 50, 101, 103, 124]),
    }
    items = getattr(target, field)
    listed = hasattr(items, "append")
    if field in plain and listed:
        items.append(plain[field])
    elif field in plain:
        setattr(target, field, plain[field])
    else:
        message = items.add() if listed else items
        message.SetInParent()
        if field == "shape":
            any_shape(rng, message)
        elif field == "func":
            message.name = rng.choice(["f0", "f1", "c", "missing", ""])
        else:
            message.dtype = rng.choice([0, 1, 3, 7, 20, 99])
            any_shape(rng, message.tensor_shape)


def any_shape(rng: random.Random, shape: Any) -> None:
    """Give a shape sizes that it may not have."""
    if rng.random() < 0.15:
        shape.unknown_rank = True
    count = rng.choice([0, 1, 1, 2, 2, 3, 4, 33, 65, 254, 255, 300])
    sizes = SIZES if count < 10 else [1, 1, 1, 1, 1, -1, 2]
    for _ in range(count):
        shape.dim.add(size=rng.choice(sizes))


def _any_attr(rng: random.Random, node: Any) -> None:
    if node.attr:
        any_value(rng, node.attr[rng.choice(sorted(node.attr))])


def _new_attr(rng: random.Random, node: Any) -> None:
    """An attribute of the signature, or of none."""
    signature = opdef.lookup(node.op)
    known = sorted(signature.attrs) if signature is not None else []
    hidden = ["_class", "_output_shapes", "_x", "_gradient_op_type", "T", "zzz"]
    any_value(rng, node.attr[rng.choice([*known, *hidden])])


def _number(rng: random.Random, node: Any) -> None:
    """Another number in an attribute: the length of a list, an axis, a count."""
    names = [k for k, v in node.attr.items() if v.WhichOneof("value") == "i"]
    if names:
        node.attr[rng.choice(sorted(names))].i = rng.choice(NUMBERS)


def _numbers(rng: random.Random, node: Any) -> None:
    """Other numbers in a list: windows, strides, axes."""
    lists = [k for k, v in node.attr.items() if len(v.list.i)]
    if lists:
        items = node.attr[rng.choice(sorted(lists))].list.i
        if rng.random() < 0.3:
            items.append(rng.choice(NUMBERS))
        else:
            items[rng.randrange(len(items))] = rng.choice(NUMBERS)


def _dtype(rng: random.Random, node: Any) -> None:
    names = [k for k, v in node.attr.items() if v.WhichOneof("value") == "type"]
    if names:
        node.attr[rng.choice(sorted(names))].type = rng.choice([*range(26), 101, 109])


def _output_shapes(rng: random.Random, node: Any) -> None:
    value = node.attr["_output_shapes"]
    value.list.SetInParent()
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        any_shape(rng, value.list.shape.add())


def _colocate(rng: random.Random, node: Any) -> None:
    groups = [*CLASSES, b"loc:@" + node.name.encode()]
    node.attr["_class"].list.s.append(rng.choice(groups))


def _device(rng: random.Random, node: Any) -> None:
    node.device = rng.choice(DEVICES)


def _content(rng: random.Random, node: Any) -> None:
    """Another content, shape or dtype of a constant."""
    tensors = [v.tensor for v in node.attr.values() if v.HasField("tensor")]
    if not tensors:
        return
    tensor = rng.choice(tensors)
    kind = rng.randrange(5)
    if kind == 0:
        any_shape(rng, tensor.tensor_shape)
    elif kind == 1:
        tensor.dtype = rng.choice([*range(26), 101])
    elif kind == 2:
        tensor.tensor_content = rng.choice([b"", b"\x01", b"\x01\x00a", b"\xff" * 40])
    elif kind == 3:
        tensor.ClearField("tensor_content")
        tensor.int_val.append(rng.choice([0, 1, 2**31 - 1, -1]))
    else:
        tensor.tensor_shape.unknown_rank = True


NODE: list[Mutation] = [
    _rename, _retype, _drop_input, _repeat_input, _swap_inputs, _replace_input,
    _index_input, _control, _drop_attr, _empty_attr, _any_attr, _any_attr, _new_attr,
    _new_attr, _number, _number, _numbers, _dtype, _output_shapes, _colocate, _device,
    _content,
]  # fmt: skip


# ---------------------------------------------------------------------- the whole


def _versions(rng: random.Random, graph_def: Any) -> None:
    versions = graph_def.versions
    kind = rng.randrange(3)
    if kind == 0:
        versions.producer = rng.choice([-1, 0, 1, 8, 21, 133, 135, 2**31 - 1])
    elif kind == 1:
        versions.min_consumer = rng.choice([-1, 0, 133, 134, 135])
    else:
        versions.bad_consumers.append(rng.choice([1, 134]))


def _shuffle(rng: random.Random, graph_def: Any) -> None:
    nodes = list(graph_def.node)
    rng.shuffle(nodes)
    copies = [type(n).FromString(n.SerializeToString()) for n in nodes]
    del graph_def.node[:]
    graph_def.node.extend(copies)


def _repeat(rng: random.Random, graph_def: Any) -> None:
    """A node or a function twice over."""
    items = rng.choice([graph_def.node, graph_def.library.function])
    if items:
        items.add().CopyFrom(rng.choice(items))


def _cycle(rng: random.Random, graph_def: Any) -> None:
    """An earlier node takes the output of a later one."""
    if len(graph_def.node) > 1:
        early, late = sorted(rng.sample(range(len(graph_def.node)), 2))
        node, name = graph_def.node[early], graph_def.node[late].name
        if node.input and rng.random() < 0.7:
            node.input[rng.randrange(len(node.input))] = name
        else:
            node.input.append(f"^{name}")


def _library(rng: random.Random, graph_def: Any) -> None:
    """Something about functions."""
    functions = graph_def.library.function
    if not functions:
        functions.add().signature.name = rng.choice(["Add", "f0", "", "a b"])
        return
    function = rng.choice(functions)
    kind = rng.randrange(8)
    if kind == 0:
        function.signature.name = rng.choice(["Add", "c", "f0", "", "a b", "Nothing"])
    elif kind == 1:
        function.ret["y"] = rng.choice(["", "x", "x:0", "x:1", "missing", "n:z:0"])
    elif kind == 2:
        function.ret.clear()
    elif kind == 3:
        gradient = graph_def.library.gradient.add()
        gradient.function_name = rng.choice(functions).signature.name
        gradient.gradient_func = rng.choice(["f0", "f1", "missing", ""])
    elif kind == 4:
        args = [*function.signature.input_arg, *function.signature.output_arg]
        if args:
            rng.choice(args).type = rng.choice([0, 1, 3, 20, 99, 101])
    elif kind == 5:
        args = [*function.signature.input_arg, *function.signature.output_arg]
        if args:
            rng.choice(args).name = rng.choice(["", "x", "a b", "_z", "Z"])
    elif kind == 6:
        node = function.node_def.add(name="r", op=function.signature.name)
        node.input.append("x")
    else:
        function.signature.input_arg.add(name="w", type=rng.choice([1, 3, 7]))


WHOLE: list[Mutation] = [_versions, _shuffle, _repeat, _cycle, _library, _library]
