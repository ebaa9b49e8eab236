"""Keras' backend as a whole: what computes, and beginning anew.

Its functions are in the files beside this one, by subject, and in `retrograd.layers`;
`compat/names/keras_backend.txt` lists where each is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.keras.backend_tensors import to_dense
from retrograd.layers import naming, phase, values

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike


def backend() -> str:
    """What computes: `tensorflow`."""
    return "tensorflow"


def eval(x: CompositeLike) -> Any:
    """The value of a variable or tensor as an array; of a sparse one with its zeros."""
    return values.get_value(to_dense(x))


def clear_session() -> None:
    """Begin anew: a new default graph and session, names and phases as at the start."""
    context.reset_default_graph()
    naming.reset_uids()
    values.forget()
    phase.forget()
