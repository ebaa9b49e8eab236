"""What XLA is told when it compiles for us, beyond its defaults."""

import functools
import os

import jax

# A call on the CPU is done on the thread that called, where all it needs is there.
# Otherwise any of XLA's threads does it, and the C library keeps the scratch memory of
# a run for each; steps take no longer. A client of XLA that is there already stays as
# it is.
jax.config.update("jax_cpu_enable_async_dispatch", False)

# XLA's default for the CPU without INDIVIDUAL_CONVOLUTION: that one runs a convolution
# through one thread of YNNPACK; without it Eigen does, in half the time on two cores.
_CPU = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    )
}

# XLA's older way of making loops. The newer one takes up to a MiB for each loop while
# it compiles, and twice the time; its loops are faster where exp, tanh or sqrt are
# computed in place. With many operations in a stage the memory matters more.
_CPU_LIGHT = {"xla_cpu_use_fusion_emitters": False}
#: operations from which the newer way would take more than about 256 MiB
_MANY = 512


def compiler_options(operations: int = 0) -> dict[str, str | bool]:
    """Return options for `jax.jit(f, compiler_options=…)` or `.compile(…)`.

    They are for a function of so many operations, and hold for what is compiled with
    them only, whenever jax was started. Those that this version of XLA does not know
    are left out (in XLA_FLAGS they would end the process); so are those that the user's
    own XLA_FLAGS set.
    """
    if jax.default_backend() != "cpu":
        return {}
    given = os.environ.get("XLA_FLAGS", "")
    wanted = {**_CPU, **(_CPU_LIGHT if operations > _MANY else {})}
    return {n: v for n, v in wanted.items() if n not in given and _known(n, v)}


@functools.cache
def _known(name: str, value: str | bool) -> bool:
    try:
        jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
