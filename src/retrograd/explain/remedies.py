"""Why an operation passes no gradient on, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from retrograd.ops.declare import traits_of, why_blocked
from retrograd.ops.traits import Blocks


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


#: what to do where a variable is written and read again
USE_VALUE = "go on with the value that is assigned, not with the variable"

_STEPS = "its result is constant between steps"

_REMEDIES = {
    Blocks.STOPS: Remedy(
        "tf.stop_gradient",
        "it is there to stop gradients",
        "take tf.stop_gradient away there",
    ),
    Blocks.POSITION: Remedy(
        "",
        "its result is a position, which has no derivative",
        "tf.reduce_max for the value at that position; tf.nn.softmax for weights that "
        "come close to it",
    ),
    Blocks.INDEX: Remedy(
        "tf.one_hot",
        "its input is a position, which has no derivative",
        "tf.nn.softmax, for soft positions",
    ),
    Blocks.TRUTH: Remedy(
        "",
        "its result is true or false, which has no derivative",
        "tf.where(c, a, b) passes gradients to a and b, none to c; "
        "a step with a derivative: tf.sigmoid(k * (a - b))",
    ),
    Blocks.WHOLE: Remedy(
        "", _STEPS, "divide by / and round at the end, outside the loss"
    ),
    Blocks.FORM: Remedy(
        "",
        "its result depends on the shape of its input, not on the values",
        "use the tensor itself",
    ),
    Blocks.RANDOM: Remedy(
        "",
        "what it draws has no derivative with respect to its parameters",
        "draw noise that has no parameters and scale it: mean + stddev * "
        "tf.random.normal(shape); or differentiate a log-probability",
    ),
    Blocks.ASSIGNS: Remedy(
        "", "assignments pass no gradient from the value to the variable", USE_VALUE
    ),
    Blocks.PYTHON: Remedy(
        "tf.py_func",
        "it calls a Python function, whose derivative is not known",
        "tf.py_function of TensorFlow operations, or a gradient of your own: "
        'tf.RegisterGradient("Name") and gradient_override_map({"PyFunc": "Name"})',
    ),
}


def remedy(op_type: str) -> Remedy | None:
    """What is known of an op type, or None."""
    blocks = why_blocked(op_type)
    if blocks is Blocks.STEPS:
        call = f"tf.{op_type.lower()}"  # TensorFlow names these functions so
        through = f"for a straight-through derivative: x + tf.stop_gradient({call}(x)"
        return Remedy(call, _STEPS, f"{through} - x)")
    if blocks is Blocks.ASSIGNS and traits_of(op_type).initializes:
        return replace(_REMEDIES[blocks], call="tf.assign")
    return None if blocks is None else _REMEDIES[blocks]
