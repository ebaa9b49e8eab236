"""Libraries of compiled ops: they cannot load, and the error says what can be done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from retrograd import errors

if TYPE_CHECKING:
    from retrograd.typing import PathLike


def load_op_library(library_filename: PathLike) -> NoReturn:
    """Refuse a library of custom ops, which is compiled for TensorFlow's own runtime.

    Raises:
      NotFoundError: there is no such file.
      UnimplementedError: there is one.
    """
    _refuse(library_filename, "Custom C++ ops cannot be loaded.")


def load_library(library_location: PathLike) -> NoReturn:
    """As `load_op_library`, for a file or a folder of files."""
    _refuse(library_location, "Custom C++ ops cannot be loaded.")


def load_file_system_library(library_filename: PathLike) -> NoReturn:
    """Refuse a library that adds a file system."""
    _refuse(library_filename, "File systems from C++ libraries cannot be loaded.")


def _refuse(path: PathLike, what: str) -> NoReturn:
    name = os.fspath(path)
    if not os.path.exists(name):
        raise errors.NotFoundError(
            None,
            None,
            f"{name}: cannot open shared object file: No such file or directory",
        )
    raise errors.UnimplementedError(
        None,
        None,
        errors.message(
            what,
            got=f"{name}, compiled for TensorFlow's own runtime",
            fix="write the op in Python: @op and its gradient rule, from "
            "retrograd.ops.declare; or tf.py_func with tf.RegisterGradient",
        ),
    )
