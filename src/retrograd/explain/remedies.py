"""Why an operation passes no gradient on, and what to write instead, by op type."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is known of an op type.

    Attributes:
      call: what programs call to make it; "" where that differs.
      why: why no derivative passes.
      fix: the way out.
    """

    call: str
    why: str
    fix: str


_THROUGH = "for a straight-through derivative: x + tf.stop_gradient({} - x)"
_TRUTH = "its result is true or false, which has no derivative"
_SOFT = (
    "tf.where(c, a, b) passes gradients to a and b, none to c; "
    "a step with a derivative: tf.sigmoid(k * (a - b))"
)
_STEPS = "its result is constant between steps"
_FORM = "its result depends on the shape of its input, not on the values"
_RANDOM = "what it draws has no derivative with respect to its parameters"
_REPARAMETRIZED = (
    "draw noise that has no parameters and scale it: mean + stddev * "
    "tf.random.normal(shape); or differentiate a log-probability"
)
_ASSIGNED = "assignments pass no gradient from the value to the variable"
#: what to do where a variable is written and read again
USE_VALUE = "go on with the value that is assigned, not with the variable"
_PYTHON = "it calls a Python function, whose derivative is not known"
_GIVE_RULE = (
    "tf.py_function of TensorFlow operations, or a gradient of your own: "
    'tf.RegisterGradient("Name") and gradient_override_map({"PyFunc": "Name"})'
)

#: op types, what programs call, why, and the way out
_GROUPS = [
    (
        "StopGradient",
        "tf.stop_gradient",
        "it is there to stop gradients",
        "take tf.stop_gradient away there",
    ),
    (
        "ArgMax ArgMin",
        "",
        "its result is a position, which has no derivative",
        "tf.reduce_max for the value at that position; tf.nn.softmax for weights that "
        "come close to it",
    ),
    (
        "Less LessEqual Greater GreaterEqual Equal NotEqual ApproximateEqual LogicalAnd"
        " LogicalOr LogicalNot All Any IsNan IsInf IsFinite InTopK InTopKV2",
        "",
        _TRUTH,
        _SOFT,
    ),
    ("Floor", "tf.floor", _STEPS, _THROUGH.format("tf.floor(x)")),
    ("Ceil", "tf.ceil", _STEPS, _THROUGH.format("tf.ceil(x)")),
    ("Round", "tf.round", _STEPS, _THROUGH.format("tf.round(x)")),
    ("Rint", "tf.rint", _STEPS, _THROUGH.format("tf.rint(x)")),
    ("Sign", "tf.sign", _STEPS, _THROUGH.format("tf.sign(x)")),
    (
        "FloorDiv TruncateDiv Bucketize",
        "",
        _STEPS,
        "divide by / and round at the end, outside the loss",
    ),
    (
        "Shape ShapeN Size Rank ZerosLike OnesLike VariableShape",
        "",
        _FORM,
        "use the tensor itself",
    ),
    (
        "OneHot",
        "tf.one_hot",
        "its input is a position, which has no derivative",
        "tf.nn.softmax, for soft positions",
    ),
    ("PyFunc PyFuncStateless", "tf.py_func", _PYTHON, _GIVE_RULE),
    (
        "Multinomial RandomUniform RandomUniformInt RandomStandardNormal "
        "ParameterizedTruncatedNormal TruncatedNormal RandomPoisson RandomPoissonV2 "
        "StatefulRandomBinomial RandomShuffle",
        "",
        _RANDOM,
        _REPARAMETRIZED,
    ),
    (
        "Assign AssignAdd AssignSub ScatterUpdate ScatterAdd ScatterSub ScatterMul "
        "ScatterDiv ScatterNdUpdate ScatterNdAdd ScatterNdSub",
        "tf.assign",
        _ASSIGNED,
        USE_VALUE,
    ),
]

_TABLE = {
    op_type: Remedy(call, why, fix)
    for types, call, why, fix in _GROUPS
    for op_type in types.split()
}


def remedy(op_type: str) -> Remedy | None:
    """What is known of an op type, or None."""
    return _TABLE.get(op_type)
