"""Rows for ops that pass their input on, and for printing."""

from tests.ops.rows import c, f, ref, row

ROWS = [
    row("Enter", f(2, 3), frame_name="loop", is_constant=True),
    row("Exit", f(2, 3)),
    row("NextIteration", f(2, 3)),
    row("RefEnter", ref(f(2, 3)), frame_name="loop", is_constant=True, order=0),
    row("RefExit", ref(f(2, 3)), order=0),
    row("RefNextIteration", ref(f(2, 3)), order=0),
    row("LoopCond", c(True), order=0),
    row("FakeParam", order=0, compared={0: "shape"}, dtype="float32", shape=(2, 3)),
    row("Print", f(2), [c([1, 2])], message="rows of ops: ", first_n=0, tier1=False),
    row(
        "StringFormat",
        [c([1, 2])],
        template="{}",
        placeholder="{}",
        order=0,
        tier1=False,
    ),
]
