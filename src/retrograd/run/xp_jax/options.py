"""What XLA is told when it compiles for us, beyond its defaults."""

import functools
import os

import jax

# XLA's default for the CPU without INDIVIDUAL_CONVOLUTION: that one runs a convolution
# through one thread of YNNPACK; without it Eigen does, in half the time on two cores.
_CPU = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    )
}


@functools.cache
def compiler_options() -> dict[str, str | bool]:
    """Return options for `jax.jit(f, compiler_options=…)` or `.compile(…)`.

    They hold for what is compiled with them only, whenever jax was started. Those that
    this version of XLA does not know are left out (in XLA_FLAGS they would end the
    process); so are those that the user's own XLA_FLAGS set.
    """
    if jax.default_backend() != "cpu":
        return {}
    given = os.environ.get("XLA_FLAGS", "")
    return {
        name: v for name, v in _CPU.items() if name not in given and _known(name, v)
    }


def _known(name: str, value: str) -> bool:
    try:
        jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
