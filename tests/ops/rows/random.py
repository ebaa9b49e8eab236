"""Random ops; what they draw is compared with TensorFlow's numbers elsewhere."""

from tests.ops.rows import c, f, row

SEEDS = dict(seed=3, seed2=7)
SHAPE = c([2, 3], "int32")
SEED = c([5, 6], "int64")
LOGITS = c([[0.1, 0.5, 0.2], [1.0, -1.0, 0.0]], "float32")


def half(value):
    """A number of the dtype that the parameters of a distribution have."""
    return c(value, "float32")


ROWS = [
    row("RandomUniform", SHAPE, dtype="float32", order=0, **SEEDS),
    row("RandomUniform", SHAPE, dtype="float64", order=0, **SEEDS),
    row("RandomStandardNormal", SHAPE, dtype="float32", order=0, **SEEDS),
    row("TruncatedNormal", SHAPE, dtype="float32", order=0, **SEEDS),
    row("RandomUniformInt", SHAPE, c(1, "int32"), c(9, "int32"), order=0, **SEEDS),
    row("StatelessRandomUniform", SHAPE, SEED, dtype="float32", order=0),
    row("StatelessRandomNormal", SHAPE, SEED, dtype="float32", order=0),
    row("StatelessTruncatedNormal", SHAPE, SEED, dtype="float32", order=0),
    row(
        "StatelessRandomUniformInt", SHAPE, SEED, c(1, "int32"), c(9, "int32"), order=0
    ),
    row("RandomShuffle", c([[1, 2], [3, 4], [5, 6]], "int32"), order=0, **SEEDS),
    row("Multinomial", LOGITS, c(4, "int32"), order=0, **SEEDS),
    row("StatelessMultinomial", LOGITS, c(4, "int32"), SEED, order=0),
    row("RandomGamma", SHAPE, c([0.5, 2.0], "float32"), order=0, **SEEDS),
    row("RandomGammaGrad", f(3, low=0.5, high=2.0), f(3, low=0.5, high=2.0), order=0),
    row("RandomPoisson", SHAPE, c([3.0, 20.0], "float32"), order=0, **SEEDS),
    row("RandomPoissonV2", SHAPE, c([3.0, 20.0], "float32"), order=0, **SEEDS),
    row(
        "ParameterizedTruncatedNormal",
        SHAPE,
        half(0.0),
        half(1.0),
        half(-1.0),
        half(2.0),
        order=0,
        **SEEDS,
    ),
    row(
        "NonDeterministicInts",
        c([2, 3], "int64"),
        dtype="uint32",
        order=0,
        compared={0: "shape"},
    ),
]
