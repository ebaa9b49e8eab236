"""GraphDefs out of random numbers: mostly well formed, some nearly so.

`generated(seed)` gives the same GraphDef for the same seed. Nodes are made from the
signatures of op types, so that a graph is refused for what its shapes or attributes say
and not for its form; `graph_mutations` then breaks some. `tools/fuzz_importer.py` asks
TensorFlow 1.15 and this package what they say of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograd import dtypes
from retrograd.graph import opdef
from retrograd.ops.declare import index
from retrograd.util import protos

from .graph_mutations import mutate

GraphDef = protos.message("graph.GraphDef")
AttrValue = protos.message("attr_value.AttrValue")

COMMON = [dtypes.float32, dtypes.int32, dtypes.int64, dtypes.float64, dtypes.bool]
PLAIN = [d for d in map(dtypes.as_dtype, range(1, 24)) if d.is_numpy_compatible]
#: op types that make a graph say more of 1.15's surroundings than of the graph
LEFT_OUT = frozenset(
    "Placeholder PlaceholderV2 Const VariableV2 VarHandleOp If StatelessIf While "
    "StatelessWhile Case For PartitionedCall StatefulPartitionedCall RemoteCall "
    "SymbolicGradient Enter RefEnter Exit RefExit NextIteration RefNextIteration Merge "
    "RefMerge Switch RefSwitch LoopCond FakeParam Abort".split()
)
#: attributes that are lists of integers, one for each axis of a batch of images
WINDOWS = ("strides", "ksize", "dilations", "rates", "ksizes")


#: the lowest and the highest rank that a tensor may have, and its length as a vector
Ranks = tuple[int, int, int | None] | None


class Output(NamedTuple):
    """A tensor: how it is named as an input, and its dtype."""

    name: str
    dtype: dtypes.DType


def op_types(declared: bool = True) -> list[str]:
    """The op types that nodes are made of; others are those not provided here."""
    if declared:
        return sorted(n for n in index() if n not in LEFT_OUT and opdef.lookup(n))
    return sorted(set(opdef.names()) - set(index()))


class Nodes:
    """Random nodes of a graph or of a function's body.

    Args:
      rng: the numbers.
      target: what nodes are added to: the `node` or `node_def` of a message.
      names: the op types to choose from.
      inner: whether inputs are named as in a function.
      functions: names of functions that nodes may call.
    """

    def __init__(
        self,
        rng: random.Random,
        target: Any,
        names: Sequence[str],
        inner: bool = False,
        functions: Sequence[str] = (),
    ) -> None:
        self.rng, self.target, self.names = rng, target, names
        self.inner, self.functions = inner, functions
        self.outputs: list[Output] = []
        self.themes = [self.sizes() for _ in range(2)]
        self.count = 0

    # ------------------------------------------------------------------ numbers

    def sizes(self, ranks: Ranks = None) -> list[int]:
        """The sizes of a small tensor, of a rank from the lowest to the highest."""
        rank = self.rng.choice([0, 0, 1, 1, 2, 2, 3, 4, 4, 5])
        if ranks is not None:
            rank = min(max(rank, ranks[0]), ranks[1])
            if ranks[2] is not None:
                return [ranks[2]]
        return [self.rng.choice([0, 1, 2, 2, 3, 3, 4, 8]) for _ in range(rank)]

    def shape(self, ranks: Ranks = None) -> list[int]:
        """Sizes that other tensors of the graph often have too, mostly of some rank."""
        if ranks is not None and self.rng.random() < 0.1:
            ranks = None
        low, high, length = (0, 9, None) if ranks is None else ranks
        fitting = [t for t in self.themes if low <= len(t) <= high]
        fitting = [t for t in fitting if length is None or t == [length]]
        if fitting and self.rng.random() < 0.7:
            return self.rng.choice(fitting)
        found = self.sizes(ranks)
        if len(self.themes) < 6:
            self.themes.append(found)
        return found

    def partial(self, proto: Any, ranks: Ranks = None) -> None:
        """Fill in a shape of which something may be unknown."""
        if self.rng.random() < 0.1:
            proto.unknown_rank = True
            return
        for size in self.shape(ranks):
            proto.dim.add(size=-1 if self.rng.random() < 0.2 else size)

    # ------------------------------------------------------------------ nodes

    def new(self, op: str, inputs: Sequence[str] = (), name: str = "") -> Any:
        """Add a node."""
        self.count += 1
        node = self.target.add(op=op, name=name or f"{op.lower()[:6]}_{self.count}")
        node.input.extend(inputs)
        return node

    def output(self, node: Any, arg: str, index: int, place: int) -> str:
        """How an output is named as an input of another node."""
        if self.inner:
            return f"{node.name}:{arg}:{index}"
        return f"{node.name}:{place}" if place else node.name

    def add_outputs(self, node: Any, types: Sequence[tuple[str, int, Any]]) -> None:
        """Let other nodes take the outputs of a node: argument, its index, dtype."""
        for place, (arg, number, dtype) in enumerate(types):
            name = self.output(node, arg, number, place)
            self.outputs.append(Output(name, dtype))

    def const(self, dtype: dtypes.DType, shape: list[int] | None = None) -> Output:
        """Add a constant of small numbers."""
        sizes = self.shape() if shape is None else shape
        node = self.new("Const")
        node.attr["dtype"].type = dtype.as_datatype_enum
        self.tensor(node.attr["value"].tensor, dtype, sizes)
        self.add_outputs(node, [("output", 0, dtype)])
        return self.outputs[-1]

    def tensor(self, proto: Any, dtype: dtypes.DType, sizes: list[int]) -> None:
        """Fill in a TensorProto."""
        proto.dtype = dtype.as_datatype_enum
        proto.tensor_shape.SetInParent()
        for size in sizes:
            proto.tensor_shape.dim.add(size=size)
        count = int(np.prod(sizes))
        if dtype is dtypes.string:
            proto.string_val.extend(self.rng.choice([b"", b"ab"]) for _ in range(count))
            return
        numbers = [self.rng.choice([-2, -1, 0, 0, 1, 1, 2, 3, 5]) for _ in range(count)]
        values = np.array(numbers).astype(
            dtype.as_numpy_dtype
            if not dtype.is_quantized
            else np.dtype(dtype.as_numpy_dtype)[0]
        )
        proto.tensor_content = values.tobytes()

    def source(self, dtype: dtypes.DType, ranks: Ranks = None) -> Output:
        """A new tensor of a dtype that depends on no other."""
        is_list = dtype is dtypes.variant or ranks not in (None, (0, 0, None))
        if dtype._is_ref_dtype or (dtype is dtypes.resource and not is_list):
            return self.variable(dtype, ranks)
        if not dtype.is_numpy_compatible or self.rng.random() < 0.35:
            node = self.new("Placeholder")
            node.attr["dtype"].type = dtype.as_datatype_enum
            if self.rng.random() < 0.8:
                self.partial(node.attr["shape"].shape, ranks)
            self.add_outputs(node, [("output", 0, dtype)])
            return self.outputs[-1]
        return self.const(dtype, self.shape(ranks))

    def variable(self, dtype: dtypes.DType, ranks: Ranks = None) -> Output:
        """A new variable: a reference, or a resource."""
        op, held = "VariableV2", dtype.base_dtype
        if dtype is dtypes.resource:
            op, held = "VarHandleOp", self.rng.choice(COMMON)
        node = self.new(op)
        node.attr["dtype"].type = held.as_datatype_enum
        self.partial(
            node.attr["shape"].shape, None if dtype is dtypes.resource else ranks
        )
        arg = "ref" if op == "VariableV2" else "resource"
        self.add_outputs(node, [(arg, 0, dtype)])
        return self.outputs[-1]

    def tensor_of(self, dtype: dtypes.DType, ranks: Ranks = None) -> Output:
        """A tensor of a dtype: one that is there, or a new one."""
        exact = dtype._is_ref_dtype or self.inner
        known = [
            o
            for o in self.outputs
            if dtype is (o.dtype if exact else o.dtype.base_dtype)
        ]
        if known and self.rng.random() < (0.6 if ranks is None else 0.2):
            return self.rng.choice(known[-6:])
        return self.source(dtype, ranks)

    # ------------------------------------------------------------------ operations

    def operation(self, op: str) -> None:
        """Add a node of an op type, with inputs and attributes that fit."""
        signature = opdef.lookup(op)
        assert signature is not None
        attrs: dict[str, Any] = {}
        for name in dict.fromkeys(
            n
            for arg in (*signature.inputs, *signature.outputs)
            for n in (arg.type_attr, arg.number_attr, arg.type_list_attr)
            if n
        ):
            attrs[name] = self.structural(signature.attrs[name])
        inputs = [
            self.tensor_of(dtype, arg.ranks).name
            for arg in signature.inputs
            for dtype in _types(arg, attrs)
        ]
        node = self.new(op, inputs)
        for name, attr in signature.attrs.items():
            self.attribute(node, attr, attrs.get(name))
        self.add_outputs(
            node,
            [
                (arg.name, i, dtype)
                for arg in signature.outputs
                for i, dtype in enumerate(_types(arg, attrs))
            ],
        )
        if self.outputs and self.rng.random() < 0.05:
            other = self.rng.choice(self.target[:-1] or self.target[:]).name
            if other != node.name:
                node.input.append(f"^{other}")

    def structural(self, attr: opdef.AttrDef) -> Any:
        """An attribute that says which inputs and outputs a node has."""
        if attr.kind == "int":
            return max(attr.minimum or 0, self.rng.choice([1, 2, 2, 3]))
        allowed = [d for d in COMMON if attr.allowed is None or d in attr.allowed]
        if not allowed or self.rng.random() < 0.1:
            allowed = list(attr.allowed or PLAIN)
        if attr.kind == "type":
            return self.rng.choice(allowed)
        count = max(attr.minimum or 0, self.rng.choice([0, 1, 1, 2, 3]))
        return [self.rng.choice(allowed) for _ in range(count)]

    def attribute(self, node: Any, attr: opdef.AttrDef, known: Any) -> None:
        """Give a node an attribute, unless its default does."""
        kind = attr.kind
        if known is not None:
            write(node.attr[attr.name], kind, known)
        elif attr.has_default and self.rng.random() < 0.6:
            return
        elif kind.startswith("list("):
            count = 4 if attr.name in WINDOWS else self.rng.choice([0, 1, 2])
            node.attr[attr.name].list.SetInParent()
            for _ in range(max(count, attr.minimum or 0)):
                self.item(node.attr[attr.name].list, kind[5:-1], attr)
            if attr.name in WINDOWS and self.rng.random() < 0.8:
                values = node.attr[attr.name].list.i
                values[0] = values[3] = 1
        else:
            self.value(node.attr[attr.name], kind, attr)

    def item(self, target: Any, kind: str, attr: opdef.AttrDef) -> None:
        """Add an item to the list of an attribute."""
        one = AttrValue()
        self.value(one, kind, attr)
        field = one.WhichOneof("value")
        items = getattr(target, field)
        if field in ("shape", "tensor", "func"):
            items.add().CopyFrom(getattr(one, field))
        else:
            items.append(getattr(one, field))

    def value(self, target: Any, kind: str, attr: opdef.AttrDef) -> None:
        """Fill in an attribute of one value."""
        rng = self.rng
        if kind == "int":
            low = 1 if attr.name in WINDOWS else attr.minimum
            found = rng.choice([-1, 0, 0, 1, 1, 2, 3])
            target.i = found if low is None else max(low, found)
        elif kind == "float":
            target.f = rng.choice([0.0, 0.5, 1.0, -2.0])
        elif kind == "bool":
            target.b = rng.random() < 0.5
        elif kind == "string":
            words = [w.encode() for w in attr.allowed or ("", "a", "/cpu:0")]
            target.s = rng.choice(words)
        elif kind == "type":
            target.type = rng.choice(attr.allowed or PLAIN).as_datatype_enum
        elif kind == "shape":
            target.shape.SetInParent()
            self.partial(target.shape)
        elif kind == "tensor":
            self.tensor(target.tensor, rng.choice(COMMON), self.shape())
        else:
            target.func.name = rng.choice([*self.functions, "missing"])


def write(target: Any, kind: str, value: Any) -> None:
    """Write an attribute that says which inputs and outputs there are."""
    if kind == "int":
        target.i = value
    elif kind == "type":
        target.type = value.as_datatype_enum
    else:
        target.list.SetInParent()
        target.list.type.extend(d.as_datatype_enum for d in value)


def _types(arg: opdef.ArgDef, attrs: dict[str, Any]) -> list[dtypes.DType]:
    """The dtypes of the tensors that an argument of a signature stands for."""
    if arg.type_list_attr:
        return attrs[arg.type_list_attr]
    dtype = arg.type or attrs[arg.type_attr]
    found = dtype._as_ref if arg.is_ref else dtype
    return [found] * (attrs[arg.number_attr] if arg.number_attr else 1)


# ---------------------------------------------------------------------- control flow

FLOAT = dtypes.float32
ONE = [FLOAT]


def add_function(rng: random.Random, library: Any, functions: list[str]) -> None:
    """Add a function of a number to a library; it may call those that are there."""
    name = f"f{len(functions)}"
    function = library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="x", type=FLOAT.as_datatype_enum)
    function.signature.output_arg.add(name="y", type=FLOAT.as_datatype_enum)
    nodes = Nodes(rng, function.node_def, op_types(), True, list(functions))
    nodes.outputs.append(Output("x", FLOAT))
    for _ in range(rng.randrange(3)):
        if functions and rng.random() < 0.3:
            add_call(nodes)
        else:
            nodes.operation(rng.choice(["Neg", "Add", "Mul", "Reshape", "Sum", "Pack"]))
    results = [o.name for o in nodes.outputs if o.dtype is FLOAT]
    function.ret["y"] = rng.choice(results[-2:])
    functions.append(name)


def add_condition(library: Any) -> None:
    """Add the function that a number goes through a loop for, `c`."""
    function = library.function.add()
    function.signature.name = "c"
    function.signature.input_arg.add(name="x", type=FLOAT.as_datatype_enum)
    function.signature.output_arg.add(name="y", type=dtypes.bool.as_datatype_enum)
    nodes = Nodes(random.Random(0), function.node_def, (), True)
    zero = nodes.const(FLOAT, [])
    node = nodes.new("Less", ["x", zero.name])
    node.attr["T"].type = FLOAT.as_datatype_enum
    function.ret["y"] = f"{node.name}:z:0"


def add_call(nodes: Nodes) -> None:
    """Add a node that calls a function, in one of the ways there are."""
    rng = nodes.rng
    x, called = nodes.tensor_of(FLOAT), rng.choice(nodes.functions)
    op = rng.choice(
        [called, "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf",
         "While", "StatelessWhile", "Case", "SymbolicGradient"]
    )  # fmt: skip
    inputs, arg = [x.name], "output"
    if op in ("If", "StatelessIf"):
        inputs.insert(0, nodes.tensor_of(rng.choice([dtypes.bool, dtypes.int32])).name)
    elif op == "Case":
        inputs.insert(0, nodes.tensor_of(dtypes.int32).name)
    elif op == "SymbolicGradient":
        inputs.append(nodes.tensor_of(FLOAT).name)
    node = nodes.new(op, inputs)
    if op == called:
        arg = "y"
    elif "While" in op:
        write(node.attr["T"], "list(type)", ONE)
        node.attr["cond"].func.name, node.attr["body"].func.name = "c", called
    else:
        write(node.attr["Tin"], "list(type)", ONE * (1 + (op == "SymbolicGradient")))
        write(node.attr["Tout"], "list(type)", ONE)
        if op == "Case":
            node.attr["branches"].list.func.add(name=called)
        elif "If" in op:
            before = next(o for o in nodes.outputs if o.name == inputs[0])
            node.attr["Tcond"].type = before.dtype.base_dtype.as_datatype_enum
            for name in ("then_branch", "else_branch"):
                node.attr[name].func.name = rng.choice(nodes.functions)
        else:
            node.attr["f"].func.name = called
    nodes.add_outputs(node, [(arg, 0, FLOAT)])


def add_loop(nodes: Nodes) -> None:
    """Add a loop of TensorFlow 1's primitives."""
    rng = nodes.rng
    number = FLOAT.as_datatype_enum
    frame = f"frame_{nodes.count}"

    def simple(op: str, *inputs: str) -> Any:
        node = nodes.new(op, inputs)
        node.attr["T"].type = number
        return node

    x = nodes.tensor_of(FLOAT)
    limit = nodes.const(FLOAT, rng.choice([[], [], [1]]))
    enter = simple("Enter", x.name)
    around = simple("Enter", limit.name)
    around.attr["is_constant"].b = True
    for node in (enter, around):
        node.attr["frame_name"].s = frame.encode()
    back = f"next_{nodes.count}"
    merge = simple("Merge", enter.name, back)
    merge.attr["N"].i = 2
    if rng.random() < 0.3:
        merge.input[0], merge.input[1] = merge.input[1], merge.input[0]
    less = simple("Less", merge.name, around.name)
    cond = nodes.new("LoopCond", [less.name])
    switch = simple("Switch", merge.name, cond.name)
    body = simple(rng.choice(["Neg", "Identity", "Square"]), f"{switch.name}:1")
    following = simple("NextIteration", body.name)
    following.name = back
    nodes.add_outputs(simple("Exit", switch.name), [("output", 0, FLOAT)])


def add_switch(nodes: Nodes) -> None:
    """Add a branch of TensorFlow 1's primitives."""
    dtype = nodes.rng.choice(COMMON)
    x, pred = nodes.tensor_of(dtype), nodes.tensor_of(dtypes.bool)
    switch = nodes.new("Switch", [x.name, pred.name])
    merge = nodes.new("Merge", [switch.name, f"{switch.name}:1"])
    merge.attr["N"].i = 2
    for node in (switch, merge):
        node.attr["T"].type = dtype.as_datatype_enum
    nodes.add_outputs(merge, [("output", 0, dtype), ("value_index", 0, dtypes.int32)])


# ---------------------------------------------------------------------- the whole


def well_formed(rng: random.Random) -> Any:
    """A GraphDef whose form is right; its shapes may contradict each other."""
    graph_def = GraphDef()
    graph_def.versions.producer = rng.choice([134, 134, 134, 134, 134, 21, 0, 5])
    functions: list[str] = []
    if rng.random() < 0.3:
        add_condition(graph_def.library)
        for _ in range(rng.randrange(1, 4)):
            add_function(rng, graph_def.library, functions)
    names = op_types(declared=rng.random() < 0.97)
    nodes = Nodes(rng, graph_def.node, names, functions=functions)
    for _ in range(rng.choice([1, 1, 2, 3, 4, 6])):
        kind = rng.random()
        if kind < 0.04:
            add_loop(nodes)
        elif kind < 0.07:
            add_switch(nodes)
        elif functions and kind < 0.5:
            add_call(nodes)
        else:
            nodes.operation(rng.choice(nodes.names))
    return graph_def


def generated(seed: int) -> Any:
    """The GraphDef of a seed: two in five are broken, once or more."""
    rng = random.Random(seed)
    graph_def = well_formed(rng)
    if rng.random() < 0.4:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            mutate(rng, graph_def)
    return graph_def
