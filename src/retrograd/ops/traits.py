"""Traits: what an op does beyond shape, value and derivative, declared with it.

    @op("Transpose", …, traits=Traits(passes=Passes.MOVED))

Whoever wants to know asks `declare.traits_of` or `declare.kind_of`; no op-type string
decides anything outside `ops/`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation


class Kind(enum.Enum):
    """What an op is to the engine, where it is more than a function of its inputs."""

    #: stands for the storage of a variable
    VARIABLE = enum.auto()
    #: the same, for as long as one run lasts
    TEMPORARY = enum.auto()
    #: gives the value of a variable, as it is
    READ = enum.auto()
    #: a value that the graph holds
    CONSTANT = enum.auto()
    #: a value that is given from outside: fed, or passed to a function
    PARAMETER = enum.auto()
    #: says how large its inputs are: known wherever their shapes are
    SHAPE = enum.auto()
    #: does nothing: there for what comes before it
    NOTHING = enum.auto()
    #: version 1's conditionals: one of a Switch's outputs has no value
    SWITCH = enum.auto()
    #: takes the one input that has a value
    MERGE = enum.auto()
    #: version 1's loops: into the loop, out of it, on to the next turn, and whether
    ENTER = enum.auto()
    EXIT = enum.auto()
    NEXT_ITERATION = enum.auto()
    LOOP_CONDITION = enum.auto()
    #: calls one of several functions
    BRANCH = enum.auto()
    #: calls a function again and again
    LOOP = enum.auto()
    #: calls a function
    CALL = enum.auto()
    #: calls a Python function of the program
    PYTHON = enum.auto()
    #: makes a list with one more element
    APPEND = enum.auto()
    #: makes an optional that holds its inputs
    OPTIONAL = enum.auto()


class Passes(enum.Enum):
    """How the outputs of an op that computes nothing hold the elements of its input."""

    #: as they are: each output is the input in its place
    SAME = enum.auto()
    #: the same, after a check that can fail
    CHECKED = enum.auto()
    #: as they are, in memory of its own
    COPIED = enum.auto()
    #: in the same order, in another shape
    RESHAPED = enum.auto()
    #: elsewhere, or not all of them, or some several times
    MOVED = enum.auto()
    #: as numbers of another type
    CONVERTED = enum.auto()


class Function(enum.Enum):
    """Which function an op computes, whatever its op types are called.

    RealDiv, Div and DivNoNan are all quotients; explanations say the same of them.
    """

    ARC_COSINE = enum.auto()
    ARC_SINE = enum.auto()
    ARC_TANGENT_HYPERBOLIC = enum.auto()
    COSINE_HYPERBOLIC = enum.auto()
    DIFFERENCE = enum.auto()
    EXPONENTIAL = enum.auto()
    EXPONENTIAL_LESS_ONE = enum.auto()
    INVERSE_ROOT = enum.auto()
    LOG = enum.auto()
    LOG1P = enum.auto()
    LOG_SOFTMAX = enum.auto()
    MATRIX_PRODUCT = enum.auto()
    MAXIMUM = enum.auto()
    MEAN = enum.auto()
    MINIMUM = enum.auto()
    NORMALIZATION = enum.auto()
    POWER = enum.auto()
    PRODUCT = enum.auto()
    QUOTIENT = enum.auto()
    RECIPROCAL = enum.auto()
    RECTIFIER = enum.auto()
    REMAINDER = enum.auto()
    ROOT = enum.auto()
    SELECTION = enum.auto()
    SIGMOID = enum.auto()
    SINE_HYPERBOLIC = enum.auto()
    SOFTMAX = enum.auto()
    SQUARE = enum.auto()
    SQUARED_DIFFERENCE = enum.auto()
    #: the elements that Python's subscripts choose: x[1:, ::2]
    SUBSCRIPT = enum.auto()
    #: of several tensors, element by element
    SUM = enum.auto()
    #: of the elements of one tensor
    TOTAL = enum.auto()
    TANH = enum.auto()
    CLIPPING = enum.auto()
    #: zeros, whatever its input is
    ZERO = enum.auto()


class Blocks(enum.Enum):
    """Why an op passes no gradient on."""

    #: it is there to stop gradients
    STOPS = enum.auto()
    #: its result is a position
    POSITION = enum.auto()
    #: its input is a position
    INDEX = enum.auto()
    #: its result is true or false
    TRUTH = enum.auto()
    #: its result is constant between steps
    STEPS = enum.auto()
    #: the same, of a quotient
    WHOLE = enum.auto()
    #: its result depends on the shape of its input alone
    FORM = enum.auto()
    #: it draws random numbers
    RANDOM = enum.auto()
    #: it changes a variable (of every op that does)
    ASSIGNS = enum.auto()
    #: it calls Python
    PYTHON = enum.auto()


@dataclass(frozen=True, slots=True)
class Traits:
    """What is declared of an op type besides its mathematics.

    Attributes:
      kind: what it is to the engine.
      passes: how it hands the elements of an input on, where it does nothing else: of
        the first one; of each, if it takes a list and gives one.
      passed: that input, where it is not the first.
      shape_only: inputs of which only the shape matters.
      linear: inputs in which, all together, the outputs are linear.
      multilinear: inputs in each of which, the others fixed, the outputs are linear.
      initializes: it sets a variable without needing the value that it has.
      apart: its outputs are arrays of their own, which nothing else holds.
      keeps: it holds on to the arrays that it is given, for later runs.
      cheap: it costs less to compute anew than to keep its result.
      whole: a compiler does it as one piece: what follows is not fused with what came
        before.
      of_two: of an op of any number of inputs, the op type that does it to two.
      function: which function it computes.
      blocks: why it passes no gradient on.
      of_value: the op type that does with a variable's value what it does with the
        variable.
      int32_on_host: the attribute of which TensorFlow's accelerators leave int32 to the
        processor.
      spare: a graph that is not trained any more does without it.
      beside_variables: it stays on the processor where variables do.
      flat: where its slope is exactly zero, in words: "≤ 0".
      saturates: whether its slope vanishes towards infinity.
      unprepared: why TensorFlow fails to prepare a graph with such an operation, if it
        does.
    """

    kind: Kind | None = None
    passes: Passes | None = None
    passed: str = ""
    shape_only: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    multilinear: tuple[str, ...] = ()
    initializes: bool = False
    apart: bool = False
    keeps: bool = False
    cheap: bool = False
    whole: bool = False
    of_two: str = ""
    function: Function | None = None
    blocks: Blocks | None = None
    of_value: str = ""
    int32_on_host: str = ""
    spare: bool = False
    beside_variables: bool = False
    flat: str = ""
    saturates: bool = False
    unprepared: Callable[[Operation], Exception | None] | None = None


#: of an op of which nothing is declared
NONE = Traits()
