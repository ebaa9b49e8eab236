"""The engine with PyTorch's interface: `loss.backward()`, and `.grad` that accumulates.

    from retrograd import autograd as torch

    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w.mean().backward()
    w.grad  # tensor([0.3333, 0.3333, 0.3333])

Operations run at once by the engine's eager executor, and are kept as the same records
that a GradientTape keeps; `backward` is the same sweep over the same rules. `recording`
gives a sweep's arguments to whoever wants to watch one.

Where it differs from PyTorch: arrays are never written to, so `numpy()` and
`from_numpy` copy, and a change through `.data` between computing and `backward` leaves
the derivatives those of the values that were computed with. `reshape` and `flatten`
always share memory.
"""

from __future__ import annotations

import importlib
import sys
from math import e, inf, nan, pi
from typing import Any

from retrograd.autograd import (
    elementwise,
    memory,
    products,
    reductions,
    structure,
    table,
)
from retrograd.autograd.check import GradcheckError, gradcheck, gradgradcheck
from retrograd.autograd.creation import (
    arange,
    as_tensor,
    device,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from retrograd.autograd.derivatives import backward, grad
from retrograd.autograd.function import Function
from retrograd.autograd.generator import Generator, manual_seed
from retrograd.autograd.graph import engine_tensor, leaves, recording
from retrograd.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from retrograd.autograd.storage import Size
from retrograd.autograd.tensors import Tensor, is_tensor
from retrograd.autograd.types import NAMES as _TYPES

_FAMILIES = (elementwise, reductions, structure, products, memory)


def __getattr__(name: str) -> Any:
    """Functions from the table, and element types by PyTorch's names.

    Raises:
      AttributeError: there is none of that name.
    """
    if name == "autograd":  # programs write torch.autograd.grad
        return sys.modules[__name__]
    if name in ("nn", "optim"):
        return importlib.import_module(f"{__name__}.{name}")
    found = table.functions.get(name) or _TYPES.get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *table.functions, *_TYPES})


__all__ = [
    "Function",
    "Generator",
    "GradcheckError",
    "Size",
    "Tensor",
    "arange",
    "as_tensor",
    "backward",
    "device",
    "e",
    "empty",
    "enable_grad",
    "engine_tensor",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inf",
    "inference_mode",
    "is_grad_enabled",
    "is_tensor",
    "leaves",
    "linspace",
    "manual_seed",
    "nan",
    "no_grad",
    "ones",
    "ones_like",
    "pi",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "recording",
    "set_grad_enabled",
    "tensor",
    "zeros",
    "zeros_like",
]
