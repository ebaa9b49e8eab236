"""Rows for the ops that update variables by a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.ops.rows import Row, c, f, ref, resource, row

_NESTEROV = ({"use_nesterov": False}, {"use_nesterov": True})
_SLOTS = ({"update_slots": True}, {"update_slots": False})
_DENSE, _RESOURCE = "Apply", "ResourceApply"
_SPARSE, _BOTH = "SparseApply", "ResourceSparseApply"
_ALL = (_DENSE, _RESOURCE, _SPARSE, _BOTH)
#: by rule: its forms, its slots, the inputs after them, and attributes
_RULES: dict[str, tuple[Any, str, str, Any]] = {
    "GradientDescent": (_ALL[:2], "var", "alpha delta", ({},)),
    "Momentum": (_ALL, "var accum", "lr grad momentum", _NESTEROV),
    "KerasMomentum": (_ALL[1::2], "var accum", "lr grad momentum", _NESTEROV),
    "Adam": (
        _ALL[:2],
        "var m v",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        _NESTEROV,
    ),
    "AdamWithAmsgrad": (
        (_RESOURCE,),
        "var m v vhat",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        ({},),
    ),
    "AdaMax": (_ALL[:2], "var m v", "beta1_power lr beta1 beta2 epsilon grad", ({},)),
    "Adagrad": (_ALL, "var accum", "lr grad", _SLOTS),
    "AdagradV2": (_ALL, "var accum", "lr epsilon grad", _SLOTS),
    "AdagradDA": (
        _ALL,
        "var gradient_accumulator gradient_squared_accumulator",
        "grad lr l1 l2 global_step",
        ({},),
    ),
    "ProximalGradientDescent": (_ALL, "var", "alpha l1 l2 delta", ({},)),
    "ProximalAdagrad": (_ALL, "var accum", "lr l1 l2 grad", ({},)),
    "RMSProp": (_ALL, "var ms mom", "lr rho momentum epsilon grad", ({},)),
    "CenteredRMSProp": (_ALL, "var mg ms mom", "lr rho momentum epsilon grad", ({},)),
    "Adadelta": (_ALL, "var accum accum_update", "lr rho epsilon grad", ({},)),
    "Ftrl": (_ALL, "var accum linear", "grad lr l1 l2 lr_power", ({},)),
    "FtrlV2": (_ALL, "var accum linear", "grad lr l1 l2 l2_shrinkage lr_power", ({},)),
    "AddSign": (_ALL[:2], "var m", "lr alpha sign_decay beta grad", ({},)),
    "PowerSign": (_ALL[:2], "var m", "lr logbase sign_decay beta grad", ({},)),
}
_SHAPE = (4, 2)


def _slot(name: str) -> Any:
    """Where a slot starts: sums of squares are above 0, and above squares of sums."""
    if name == "var":
        return f(*_SHAPE, low=-1.0, high=1.0)
    return f(
        *_SHAPE, low=0.2 if name != "mg" else 0.02, high=1.5 if name != "mg" else 0.15
    )


def _inputs(name: str, sparse: bool) -> list[Any]:
    """An input after the slots; with a gradient of rows, their places, one twice."""
    if name in ("grad", "delta"):
        if not sparse:
            return [f(*_SHAPE, low=-1.0, high=1.0)]
        return [f(3, 2, low=-1.0, high=1.0), c([2, 0, 2], "int32")]
    if name == "global_step":
        return [c(3)]
    # the kernels for −½ have a way of their own, as float16 rounds
    return [f(low=-0.6, high=-0.5) if name == "lr_power" else f(low=0.05, high=0.6)]


def _rows() -> Iterator[Row]:
    for rule, (forms, slots, rest, attributes) in _RULES.items():
        for form in forms:
            held = resource if form.startswith("Resource") else ref
            inputs = [
                *(held(_slot(name)) for name in slots.split()),
                *(i for n in rest.split() for i in _inputs(n, "Sparse" in form)),
            ]
            for attrs in attributes:
                yield row(form + rule, *inputs, order=0, **attrs)


ROWS = list(_rows())
