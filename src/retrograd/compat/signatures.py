"""Functions and classes as Python's `inspect` sees those of TensorFlow 1.15.

Ours are typed and plain. TensorFlow's have no annotations, and many are wrappers whose
parameters are `(*args, **kwargs)`; libraries ask for both and choose by the answer.
`names/internal/wrapped.txt` lists the wrappers, a public name for each, behind the
names of their parameters where these are others:

    abs add_n
    args kwds: init_scope
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from inspect import FullArgSpec, Signature
from typing import Any

from retrograd.compat import table
from retrograd.util import inspecting

Wrapper = tuple[str, str]


@functools.cache
def _wrappers() -> dict[str, Wrapper]:
    """The names of the parameters of TensorFlow's wrappers, by public name."""
    found: dict[str, Wrapper] = {}
    for line in table.internal("wrapped.txt").splitlines():
        names, colon, publics = line.rpartition(": ")
        varargs, varkw = names.split() if colon else ("args", "kwargs")
        found.update(dict.fromkeys(publics.split(), (varargs, varkw)))
    return found


@functools.cache
def _listed() -> dict[str, list[tuple[str, str, str]]]:
    """By module and by attribute: all three, with the public name, as tables list."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for public, (module, attribute) in table.names().places.items():
        for key in (module, attribute):
            found.setdefault(key, []).append((module, attribute, public))
    return found


def wrapper(obj: Any) -> Wrapper | None:
    """The parameters of TensorFlow's wrapper in the place of an object of ours.

    Returns:
      The names of `*args` and `**kwargs`; None if TensorFlow's is no wrapper, or `obj`
      is not ours.
    """
    if not inspecting.is_own(obj) or not hasattr(obj, "__name__"):
        return None
    listed = _listed().get(obj.__module__, []) + _listed().get(obj.__name__, [])
    for module, attribute, public in listed:
        if getattr(sys.modules.get(module), attribute, None) is obj:
            first = table.aliases().get(public, [public])[0]
            if first in _wrappers():
                return _wrappers()[first]
    return None


def getfullargspec(obj: Callable[..., Any]) -> FullArgSpec:
    """`tf_inspect.getfullargspec`: looks through wrappers, but not through classes'."""
    names = wrapper(obj) if isinstance(obj, type) else None
    return inspecting.getfullargspec(obj) if names is None else _of_wrapper(names)


def getargspec(obj: Callable[..., Any]) -> inspecting.ArgSpec:
    """`tf_inspect.getargspec`: as `getfullargspec`."""
    names = wrapper(obj) if isinstance(obj, type) else None
    if names is None:
        return inspecting.getargspec(obj)
    return inspecting.ArgSpec([], *names, None)


def seen(obj: object, getfullargspec: Callable[[Any], FullArgSpec]) -> FullArgSpec:
    """What `getfullargspec`, which is Python's, says of the object in TensorFlow."""
    spec = getfullargspec(obj)
    if not inspecting.is_own(obj):
        return spec
    names = wrapper(obj)
    return spec._replace(annotations={}) if names is None else _of_wrapper(names)


def plain(obj: object, signature: Signature) -> Signature:
    """The signature of an object; of ours, without annotations, as TensorFlow's."""
    if not inspecting.is_own(obj):
        return signature
    empty = Signature.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=empty)


def _of_wrapper(names: Wrapper) -> FullArgSpec:
    return FullArgSpec([], *names, None, [], None, {})
