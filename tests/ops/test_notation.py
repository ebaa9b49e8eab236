"""Notations say what the op and its gradient rule do, and all speak alike."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from retrograd.explain.formula import Node, Sign, Symbol, parse
from retrograd.explain.notation import (
    barred,
    is_rule,
    results,
    subject,
    symbols,
)
from retrograd.explain.tokens import BAR, plain
from retrograd.graph import opdef
from retrograd.ops import declare
from retrograd.ops.array.constant import constant
from retrograd.run.session import Session
from tests.ops import harness
from tests.ops.formulas import Formula, definitions, is_formula, nodes, parts_of
from tests.ops.rows import Drawn, Row, all_rows, c, f, row

declare.load_all()

DIFFERENTIABLE = sorted(
    name
    for name, entry in declare.gradient_registry._registry.items()
    if entry["type"] is not None
    and name in declare.registry
    and not declare.registry[name].kernel.__module__.startswith("retrograd.testing")
)

# ---------------------------------------------------------------------- the form


def _letters(tree: Node) -> set[Symbol]:
    """Symbols without subscripts, but with the digits that belong to a name."""
    found = set()
    for node in nodes(tree):
        if isinstance(node, Symbol):
            digits = "".join(c for c in node.index if plain(c).isdecimal())
            # x₀ is one of the x
            found |= {Symbol(node.letter, node.mark, d) for d in {"", digits}}
    return found


def _left_sides(tree: Node) -> set[Symbol]:
    """What the equations in a notation say."""
    parts = (part[0] for part in parts_of(tree) if part[1:2] == [Sign("=")])
    return {s for part in parts for s in _letters(part)}


def faults(name: str, math: str, notation: Mapping[str, str]) -> list[str]:
    """What is wrong with the notation of a differentiable op."""
    op_def = opdef.lookup(name)
    assert op_def is not None
    if not math:
        return ["no math"]
    try:
        trees = {key: parse(text) for key, text in notation.items()}
        outside = _letters(parse(math))
    except ValueError as error:
        return [str(error)]
    args = {a.name: a for a in op_def.inputs}
    found = [f"no input {key}" for key in notation if key not in args]
    says = [t for t in notation.values() if is_rule(t) or "has no derivative:" in t]
    if not says:
        found.append("no derivative is written")
    made = results(math)
    if not made:
        found.append("no output is named")
    bars = {s.letter for s in made}
    for key, tree in trees.items():
        text = notation[key]
        about = subject(text)
        if Symbol(about.letter, about.mark) not in outside:
            found.append(f"{key}: {about.letter} is not in {math!r}")
        if not is_rule(text):
            continue
        if key in args and args[key].is_list and not about.index:
            found.append(f"{key}: the left side of {text!r} has no place in the list")
        known = bars | {s.letter for s in _left_sides(tree)}
        found += [
            f"{key}: {symbol.letter} in {text!r} is no output"
            for symbol in _letters(tree)
            if BAR in symbol.mark and symbol.letter not in known
        ]
    return found


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_differentiable_op_is_written_down(name: str) -> None:
    declared = declare.registry[name]
    assert not faults(name, declared.math, declared.notation)


@pytest.mark.parametrize(
    ("math", "notation", "fault"),
    [
        ("", {"x": "x̄ = ȳ"}, "no math"),
        ("y = x", {}, "no derivative is written"),
        ("y = x", {"x": "x"}, "no derivative is written"),
        ("y = x", {"x": "x̄ = ȳ ·"}, "cannot be read"),
        ("y = (x", {"x": "x̄ = ȳ"}, "cannot be read"),
        ("y = x", {"x": "v̄ = ȳ"}, "v is not in 'y = x'"),
        ("y = x", {"x": "x̄ = z̄"}, "z in 'x̄ = z̄' is no output"),
        ("y = x", {"input": "x̄ = ȳ", "x": "x̄ = ȳ"}, "no input input"),
        ("= x", {"x": "x̄ = 0"}, "no output is named"),
        ("y = x", {"x": "v has no derivative: constant"}, "v is not in 'y = x'"),
    ],
)
def test_faults_are_found(math: str, notation: dict[str, str], fault: str) -> None:
    assert any(fault in text for text in faults("Tanh", math, notation))
    assert not faults("Tanh", "y = tanh x", {"x": "x̄ = ȳ (1 − y²)"})


def test_a_list_needs_a_place() -> None:
    found = faults("AddN", "y = Σᵢ xᵢ", {"inputs": "x̄ = ȳ"})
    assert any("has no place in the list" in text for text in found)


# ---------------------------------------------------------------------- the rules


def _gradient(built: harness.Built) -> tuple[list[Any], list[Any]]:
    """Seeds for the outputs of an operation, and what its rule gives for them."""
    random = np.random.default_rng(3)
    op = built.outputs[0].op
    with Session(graph=built.graph) as session:
        values = session.run(built.outputs, harness._feed(built))
    dys = []
    for y, value in zip(op.outputs, values, strict=True):
        drawn = random.uniform(0.5, 1.5, np.shape(value))
        if y.dtype.is_complex:
            drawn = drawn + 1j * random.uniform(0.5, 1.5, np.shape(value))
        dtype = y.dtype.base_dtype.as_numpy_dtype
        dys.append(constant(drawn.astype(dtype), y.dtype.base_dtype))
    function = declare.gradient_function(op)
    assert function is not None
    found = function(op, *dys)
    terms = list(found) if isinstance(found, list | tuple) else [found]
    return dys, [None if t is None else harness._dense(t) for t in terms]


#: the first row of each op that is differentiated, or else the first row
ROWS = {
    row.op: row
    for row in sorted(all_rows(), key=lambda row: row.order < 1)[::-1]
    if not row.has_variables
}


#: ops whose gradient functions raise an error, as 1.15's do
RAISING = {
    "PreventGradient",
    "SparseDenseCwiseAdd",
    "SparseSparseMaximum",
    "SparseSparseMinimum",
}


@pytest.mark.parametrize(
    "name", [n for n in DIFFERENTIABLE if n in ROWS and n not in RAISING]
)
def test_a_derivative_is_written_of_what_has_one(name: str) -> None:
    built = harness.build(ROWS[name])
    op = built.outputs[0].op
    with built.graph.as_default(), built.graph.name_scope("gradients"):
        _, terms = _gradient(built)
    for rule, symbol, term in zip(
        symbols(op).rules, symbols(op).inputs, terms, strict=True
    ):
        assert (term is not None) == bool(rule), f"{name}: {symbol}"


# ---------------------------------------------------------------------- the numbers

_C = c(np.array([1 + 2j, -0.5 + 1j]))
_IDS = c([0, 2, 0, 2], "int32")
_SORTED = c([0, 1, 2, 2], "int32")
_PICKED = c([1, 3, 3, 0], "int32")
_FEW = c([[2], [0]], "int32")
_ONE = c(np.linspace(0.3, 1.7, 6).reshape(1, 2, 3, 1), "float32")
_GIVEN = c(np.linspace(-1.2, 0.7, 6).reshape(1, 2, 3, 1) ** 2, "float32")
_SCALE = c([1.3], "float32")
_NONE = c(np.zeros(0, "float32"))
_STATISTICS = (c([np.mean(_ONE.value)]), c([np.var(_ONE.value)], "float32"))
_LABELS = c(np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
_AXES = c([0], "int32")
_BATCH_NORM = [
    sample
    for kind in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
    for sample in (
        row(kind, _ONE, _SCALE, _SCALE, _NONE, _NONE, is_training=True, epsilon=0.01),
        row(
            kind.replace("Norm", "NormGrad"),
            _GIVEN,
            _ONE,
            _SCALE,
            *_STATISTICS,
            *([_NONE] if kind.endswith("V3") else []),
            is_training=True,
            epsilon=0.01,
        ),
    )
]
_POSITIVE = f(3, 3, low=0.5)
#: where the row of an op does not fit its notation, of vectors and matrices
SAMPLES = [
    *[row(n, f(4), _AXES) for n in ("Sum", "Mean", "Max", "Min", "Prod")],
    *[
        row(n, f(4), c(0, "int32"))
        for n in ("Cumsum", "Cumprod", "CumulativeLogsumexp")
    ],
    *[row(n, f(4)) for n in ("Softmax", "LogSoftmax", "Diag", "MatrixDiag")],
    *[row(n, f(3, 3)) for n in ("DiagPart", "MatrixDiagPart", "MatrixInverse")],
    *[row(n, f(3, 3)) for n in ("MatrixDeterminant", "LogMatrixDeterminant")],
    *[row(n, f(2, 3), f(3, 2)) for n in ("MatMul", "BatchMatMul", "BatchMatMulV2")],
    row("SparseMatMul", c(np.eye(2, 3) + 1, "float32"), c(np.eye(3) - 2, "float32")),
    row("Cholesky", c(np.array([[4.0, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]]))),
    row("Qr", f(4, 3)),
    row("SelfAdjointEigV2", c(np.array([[4.0, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]]))),
    row("Svd", f(3, 4)),
    *[
        row(n, f(5), *k, **a)
        for n, k, a in [("TopK", (), {"k": 2}), ("TopKV2", (c(2, "int32"),), {})]
    ],
    row("MatrixSetDiag", f(3, 3), f(3)),
    row("MatrixSolve", f(3, 3), f(3, 2)),
    row("MatrixSolveLs", f(4, 3), f(4, 2), c(0.3)),
    row("Cross", f(3), f(3)),
    row("AddN", [f(3), f(3)]),
    row("AccumulateNV2", [f(3), f(3)], shape=[3]),
    row("IdentityN", [f(3), f(3)]),
    row("Fill", c([3], "int32"), f()),
    row("Gather", f(5), _PICKED),
    row("GatherNd", f(5), _FEW),
    row("ScatterNd", _FEW, f(2), c([4], "int32")),
    row("ScatterNdNonAliasingAdd", f(4), _FEW, f(2)),
    row("TensorScatterAdd", f(4), _FEW, f(2)),
    row("TensorScatterSub", f(4), _FEW, f(2)),
    row("TensorScatterUpdate", f(4), _FEW, f(2)),
    *[row(f"Segment{k}", f(4), c([0, 0, 1, 1])) for k in ("Sum", "Mean", "Max", "Min")],
    *[row(f"UnsortedSegment{k}", f(4), _IDS, c(3)) for k in ("Sum", "Max", "Min")],
    row("UnsortedSegmentProd", f(4), _IDS, c(3)),
    *[
        row(f"SparseSegment{k}", f(5), _PICKED, c([0, 0, 1, 1], "int32"))
        for k in ("Sum", "Mean", "SqrtN")
    ],
    *[
        row(f"SparseSegment{k}WithNumSegments", f(5), _PICKED, _SORTED, c(3, "int32"))
        for k in ("Sum", "Mean", "SqrtN")
    ],
    row("MatrixTriangularSolve", c(np.tri(3) + np.eye(3)), f(3, 2), lower=True),
    row("Polygamma", c([1.0, 2.0, 1.0]), f(3, low=1)),
    row("Zeta", c([1.5, 3.0, 2.0]), f(3, low=1)),
    *[row(n, c([True, False, True]), f(3), f(3)) for n in ("Select", "SelectV2")],
    row("NthElement", f(4), c(2, "int32")),
    row("SoftmaxCrossEntropyWithLogits", f(2, 3), _LABELS),
    row("SparseSoftmaxCrossEntropyWithLogits", f(2, 3), c([0, 2], "int32")),
    *[row(n, _C, Tout="float64") for n in ("Real", "Imag", "Angle", "ComplexAbs")],
    row("Conj", _C),
    row("Complex", f(3), f(3), Tout="complex128"),
    row("Betainc", f(3, low=0.5), f(3, low=0.5), f(3, low=0.1, high=0.9)),
    row(
        "BatchNormWithGlobalNormalization",
        *(_ONE, _SCALE, _SCALE, _SCALE, _SCALE),
        variance_epsilon=0.01,
        scale_after_normalization=True,
    ),
    *_BATCH_NORM,
]
#: ops of variables, frames and lists, and of matrices that are kept as three diagonals
NOT_RUN = frozenset(
    """
    ReadVariableOp RefEnter RefExit RefIdentity RefNextIteration RefSwitch
    ResourceGather ResourceGatherNd PreventGradient TridiagonalSolve TridiagonalMatMul
    TensorListFromTensor TensorListGather TensorListGetItem TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListStack TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayReadV2
    TensorArrayReadV3 TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySplitV2
    TensorArraySplitV3 TensorArrayWriteV2 TensorArrayWriteV3 LoopCond
    """.split()
)
SAMPLE_OF = {r.op: r for r in SAMPLES}
#: letters of attributes and constants
ATTRS = {"alpha": "α", "beta": "β", "epsilon": "ε", "variance_epsilon": "ε"}


def _sample(name: str) -> Row | None:
    """Vectors from the ranges of a row of the op, unless it has a sample here."""
    if name in SAMPLE_OF or name not in ROWS:
        return SAMPLE_OF.get(name)
    found = ROWS[name]
    drawn = [
        Drawn((6,), i.low, i.high) if isinstance(i, Drawn) else i for i in found.inputs
    ]
    vectors = row(name, *drawn, **found.attrs)
    try:
        harness.build(vectors)
    except ValueError:  # it takes no vectors
        return found
    return vectors


class _Numbers:
    """What the symbols of an operation stand for, computed by a session."""

    def __init__(self, sample: Row) -> None:
        built = harness.build(sample)
        self.op = built.outputs[0].op
        self.symbols = symbols(self.op)
        with built.graph.as_default(), built.graph.name_scope("gradients"):
            dys, terms = _gradient(built)
        wanted = [*self.op.inputs, *self.op.outputs, *dys]
        wanted += [t for t in terms if t is not None]
        with Session(graph=built.graph) as session:
            values = iter(session.run(wanted, harness._feed(built)))
        self.inputs = [_flat_places(next(values)) for _ in self.op.inputs]
        self.outputs = [next(values) for _ in self.op.outputs]
        self.dys = [next(values) for _ in dys]
        self.terms = [None if t is None else next(values) for t in terms]

    def formula(self, known: list[Any]) -> Formula:
        written = self.symbols
        values = self._constants()
        bars = [barred(s) if _is_symbol(s) else s for s in written.outputs]
        for names, numbers in (
            (written.inputs, self.inputs),
            (written.outputs, self.outputs),
            (bars, self.dys),
        ):
            for name, number in zip(names, numbers, strict=True):
                if _is_symbol(name):
                    values[_symbol(name)] = number
        lists: dict[str, list[Any]] = {}
        for name, number in zip(written.inputs, self.inputs, strict=True):
            if _is_symbol(name) and _symbol(name).index:
                lists.setdefault(_symbol(name).letter, []).append(number)
        for letter, parts in lists.items():
            if len({np.shape(part) for part in parts}) == 1:
                values[Symbol(letter)] = np.stack(parts)
        for left, _ in known:
            if isinstance(left, Symbol):
                values.pop(Symbol(left.letter, left.mark), None)
        return Formula(values, known)

    def _constants(self) -> dict[Symbol, Any]:
        named: dict[str, Any] = {"π": np.pi, "i": 1j, "n": np.size(self.inputs[0])}
        if self.op.type.startswith("Selu"):
            named |= {"λ": 1.0507009873554805, "α": 1.6732632423543772}
        if self.op.type == "MatrixSolveLs":
            named["I"] = np.eye(3)
        for attr, letter in ATTRS.items():
            if attr in self.op.attrs:
                named[letter] = self.op.attrs[attr]
        return {Symbol(letter): value for letter, value in named.items()}


def _flat_places(value: Any) -> Any:
    """Indices [n, 1], of elements of vectors, as [n]."""
    is_places = value.ndim == 2 and value.shape[1] == 1 and value.dtype.kind == "i"
    return value[:, 0] if is_places else value


def _is_symbol(name: str) -> bool:
    try:
        return isinstance(parse(name), Symbol)
    except ValueError:  # the name of an input
        return False


def _symbol(name: str) -> Symbol:
    found = parse(name)
    assert isinstance(found, Symbol)
    return found


def _check(formula: Formula, left: Symbol, right: list[Node], expected: Any) -> None:
    """A right side, at each place that the left side's subscript can have."""
    expected = np.asarray(expected)
    letters = plain("".join(c for c in left.index if not plain(c).isdecimal()))
    tolerance = 1e-4 if expected.dtype == np.float32 else 1e-9
    if not letters:
        value = np.asarray(formula.side(right))
        if value.shape != expected.shape and value.size >= expected.size:
            value = np.sum(value).reshape(expected.shape)  # as broadcast inputs are
        np.testing.assert_allclose(
            np.broadcast_to(value, expected.shape), expected, tolerance, tolerance
        )
        return
    for place in itertools.product(*map(range, expected.shape)):
        value = formula.at(letters, place).side(right)
        np.testing.assert_allclose(value, expected[place], tolerance, tolerance)


def _compared(name: str) -> list[str]:
    """The notations of an op that can be computed, each compared; which they were."""
    declared = declare.registry[name]
    trees = {"": parse(declared.math)}
    trees |= {k: parse(t) for k, t in declared.notation.items() if is_rule(t)}
    formal = {key: tree for key, tree in trees.items() if is_formula(tree)}
    if not formal or name in NOT_RUN:
        return []
    sample = _sample(name)
    assert sample is not None, f"{name} needs a sample"
    numbers = _Numbers(sample)
    outside = definitions(trees[""])
    if "" in formal:
        made = [_symbol(s) for s in numbers.symbols.outputs if _is_symbol(s)]
        for symbol, value in zip(made, numbers.outputs, strict=False):
            known = [d for d in outside if _letter(d[0]) != symbol.letter]
            for left, right in outside:
                if isinstance(left, Symbol) and _letter(left) == symbol.letter:
                    formula = numbers.formula(known)
                    if symbol.index:  # one of a list
                        place = int(plain(symbol.index))
                        formula = formula.at(plain(left.index), (place,))
                        left = symbol
                    _check(formula, left, right, value)
    made = {s.letter for s in results(declared.math)}
    outside = [d for d in outside if _letter(d[0]) not in made]
    for rule, term in zip(numbers.symbols.rules, numbers.terms, strict=True):
        tree = parse(rule) if rule else None
        if tree is None or not is_formula(tree):
            continue
        (left, right), *inside = definitions(tree)
        assert isinstance(left, Symbol)
        _check(numbers.formula([*inside, *outside]), left, right, term)
    return list(formal)


def _letter(left: Node) -> str:
    return left.letter if isinstance(left, Symbol) else ""


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_numbers_of_a_notation_are_those_of_the_rule(name: str) -> None:
    _compared(name)


def test_most_derivatives_are_computed() -> None:
    """What the test above leaves out is what words say.

    Those of sparse tensors, and of whole recurrent sequences, are all told in words.
    """
    texts = [t for n in DIFFERENTIABLE for t in declare.registry[n].notation.values()]
    rules = [t for t in texts if is_rule(t)]
    formulas = [t for t in rules if is_formula(parse(t))]
    assert len(formulas) > 0.58 * len(rules)


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("Tanh", "x", "x̄ = ȳ (1 − y)"),
        ("Tanh", "x", "x̄ = 1.001 ȳ (1 − y²)"),
        ("Softmax", "logits", "x̄ᵢ = yᵢ (ȳᵢ − Σⱼ ȳⱼ)"),
        ("MatMul", "a", "Ā = C̄ Bᵀ / 2"),
        ("Relu", "features", "x̄ = ȳ · [y < 0]"),
        ("Elu", "features", "x̄ = ȳ where y ≥ 0, else ȳ y"),
    ],
)
def test_a_wrong_notation_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str, wrong: str
) -> None:
    monkeypatch.setitem(declare.registry[name].notation, key, wrong)
    with pytest.raises(AssertionError):
        _compared(name)


def test_wrong_math_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare.registry["Tanh"], "math", "y = sinh x")
    with pytest.raises(AssertionError):
        _compared("Tanh")
