"""`tf.flags`: absl's flags, with two habits of TensorFlow 1.

Reading a flag before the command line was parsed parses it, and the defining functions
take the older argument names as well. Every other name is absl's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags as absl_flags

from retrograd.util.decorators import make_decorator

absl_flags.disclaim_key_flags()  # the flags belong to the module that calls us

_RENAMED_ARGUMENTS = {
    "flag_name": "name",
    "default_value": "default",
    "docstring": "help",
}


def _wrap_define_function(define: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: object, **kwargs: object) -> Any:
        if not _RENAMED_ARGUMENTS.keys().isdisjoint(kwargs):
            kwargs = {
                _RENAMED_ARGUMENTS.get(name, name): kwargs[name] for name in kwargs
            }
            logging.warning(
                "Use of the keyword argument names (flag_name, default_value, "
                "docstring) is deprecated, please use (name, default, help) instead."
            )
        return define(*args, **kwargs)

    return make_decorator(define, wrapper)


class _FlagValuesWrapper:
    """absl's FLAGS, which parse the command line when a flag is read before that."""

    def __init__(self, values: absl_flags.FlagValues) -> None:
        object.__getattribute__(self, "__dict__")["__wrapped"] = values

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return object.__getattribute__(self, name)
        values = _values(self)
        try:
            return object.__getattribute__(values, name)  # a method of FLAGS
        except AttributeError:
            if not values.is_parsed():
                values(sys.argv)
            return getattr(values, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_values(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_values(self), name)

    def __dir__(self) -> list[str]:
        return dir(_values(self))

    def __getitem__(self, name: str) -> Any:
        return _values(self)[name]

    def __setitem__(self, name: str, flag: Any) -> None:
        _values(self)[name] = flag

    def __contains__(self, name: str) -> bool:
        return name in _values(self)

    def __len__(self) -> int:
        return len(_values(self))

    def __iter__(self) -> Iterator[str]:
        return iter(_values(self))

    def __str__(self) -> str:
        return str(_values(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _values(self)(*args, **kwargs)


def _values(wrapper: _FlagValuesWrapper) -> absl_flags.FlagValues:
    return object.__getattribute__(wrapper, "__dict__")["__wrapped"]


FLAGS = _FlagValuesWrapper(absl_flags.FLAGS)
DEFINE_string = _wrap_define_function(absl_flags.DEFINE_string)
DEFINE_boolean = _wrap_define_function(absl_flags.DEFINE_boolean)
DEFINE_bool = DEFINE_boolean
DEFINE_float = _wrap_define_function(absl_flags.DEFINE_float)
DEFINE_integer = _wrap_define_function(absl_flags.DEFINE_integer)


def __getattr__(name: str) -> Any:
    return getattr(absl_flags, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *absl_flags.__all__})
