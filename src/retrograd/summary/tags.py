"""Names and tags of summaries, and the collections that they are put in."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrograd.graph.defaults import add_to_collection
from retrograd.graph.dispatch import name_scope
from retrograd.graph.distribution import innermost
from retrograd.ops.static import constant
from retrograd.platform import logs

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

_INVALID = re.compile(r"[^-/\w\.]")


def clean_tag(name: str | None) -> str | None:
    """A name with only those characters that names of operations may have.

    A change is logged.

    Raises:
      TypeError: it is no text.
    """
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError("expected string or bytes-like object")
    cleaned = _INVALID.sub("_", name).lstrip("/")
    if cleaned != name:
        logs.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


def collect(
    val: Tensor, collections: Sequence[str] | None, default_collections: Sequence[str]
) -> None:
    """Add a summary to collections, by default to others."""
    for key in default_collections if collections is None else collections:
        add_to_collection(key, val)


@contextlib.contextmanager
def summary_scope(
    name: str | None,
    family: str | None = None,
    default_name: str | None = None,
    values: Sequence[TensorLike] | None = None,
) -> Iterator[tuple[str, str]]:
    """A context with the name scope of a summary: gives its tag and the scope.

    Args:
      name: the name of the summary.
      family: what TensorBoard groups it under: put before the name, and once more
        before the whole tag.
      default_name: the name if there is none.
      values: the tensors that it shows.

    Raises:
      ValueError: the name is empty.
    """
    name, family = clean_tag(name), clean_tag(family)
    if name == "":
        raise ValueError("'' is not a valid node name")
    base = name if family is None else f"{family}/{name}"
    with name_scope(base, default_name, values) as scope:
        tag = scope.rstrip("/")
        yield tag if family is None else f"{family}/{tag}", scope


def skipped() -> bool:
    """Whether summaries are left out here: all replicas but the first do without."""
    found = innermost()
    if found is None or found.replica is None:
        return False
    number = found.replica.replica_id_in_sync_group
    if not isinstance(number, int):
        value = constant(number)
        number = 0 if value is None else int(value)
    return number > 0
