"""`tf.resource_loader` and `tf.sysconfig`: where files lie."""

from __future__ import annotations

import inspect
import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CXX11_ABI_FLAG = 0
MONOLITHIC_BUILD = 0


def load_resource(path: str) -> bytes:
    """The bytes of a file whose path is relative to the package."""
    with open(os.path.join(_ROOT, path), "rb") as stream:
        return stream.read()


def _calling_folder(depth: int) -> str:
    return os.path.dirname(inspect.getfile(sys._getframe(depth)))


def get_data_files_path() -> str:
    """The folder of the calling script."""
    return _calling_folder(2)


def get_root_dir_with_all_resources() -> str:
    """The folder below a `.runfiles` folder above the calling script; else its own."""
    folder = script = _calling_folder(2)
    while folder != os.path.dirname(folder):
        above = os.path.dirname(folder)
        if ".runfiles" in os.path.basename(above):
            return folder
        folder = above
    return script


def get_path_to_datafile(path: str) -> str:
    """The path of a file that lies beside the calling script."""
    return os.path.join(_calling_folder(2), path)


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """The path itself."""
    del readahead
    return path


def get_include() -> str:
    """Where C++ headers would be; there are none, as custom C++ ops cannot load."""
    return os.path.join(_ROOT, "include")


def get_lib() -> str:
    """Where the framework's library would be: the package's folder."""
    return _ROOT


def get_compile_flags() -> list[str]:
    """Compiler flags, in the form TensorFlow 1.15 gives them."""
    return [f"-I{get_include()}", f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}"]


def get_link_flags() -> list[str]:
    """Linker flags, in the form TensorFlow 1.15 gives them."""
    return [f"-L{get_lib()}", "-l:libtensorflow_framework.so.1"]
