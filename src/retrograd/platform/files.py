"""`tf.gfile` and `tf.io.gfile`: files and folders of the local file system.

Paths are text or bytes, or have `__fspath__`; `file://` in front is understood.
Failures raise the exceptions of `retrograd.errors`, worded as TensorFlow 1.15 words
them.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import glob as globbing
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.platform.text import as_bytes, as_str, as_str_any

if TYPE_CHECKING:
    from retrograd.typing import PathLike

_MODES = ("r", "w", "a", "r+", "w+", "a+")
_BLOCK = 16 * 1024 * 1024
_CLASSES: dict[int, Any] = {
    errno.ENOENT: errors.NotFoundError,
    errno.EEXIST: errors.AlreadyExistsError,
    errno.EACCES: errors.PermissionDeniedError,
    errno.EPERM: errors.PermissionDeniedError,
    errno.EROFS: errors.PermissionDeniedError,
    errno.EISDIR: errors.FailedPreconditionError,
    errno.ENOTDIR: errors.FailedPreconditionError,
    errno.ENOTEMPTY: errors.FailedPreconditionError,
    errno.EINVAL: errors.InvalidArgumentError,
    errno.ENAMETOOLONG: errors.InvalidArgumentError,
    errno.ENOSPC: errors.ResourceExhaustedError,
    errno.EMFILE: errors.ResourceExhaustedError,
}


def local_path(path: PathLike) -> str:
    """A path as text, without `file://`.

    Raises:
      UnimplementedError: it names another file system, such as `gs://`.
    """
    as_text = getattr(path, "__fspath__", None)
    text = as_str_any(path if as_text is None else as_text())
    scheme, found, rest = text.partition("://")
    if not found or not scheme.isalnum():
        return text
    if scheme == "file":
        return rest
    raise errors.UnimplementedError(
        None,
        None,
        f"File system scheme '{scheme}' not implemented (file: '{text}')",
    )


@contextlib.contextmanager
def _translated(path: PathLike | None = None) -> Iterator[None]:
    """Turn an OSError of the block into the exception TensorFlow has for it."""
    try:
        yield
    except OSError as error:
        cls = _CLASSES.get(error.errno or 0, errors.UnknownError)
        name = error.filename if path is None else path
        text = f"{as_str_any(name)}; {os.strerror(error.errno or 0)}"
        raise cls(None, None, text) from None


def open_stream(path: PathLike, mode: str, buffering: int = -1) -> Any:
    """A file as Python opens it.

    Raises:
      OpError: it cannot be opened; in TensorFlow's words.
    """
    with _translated(path):
        return builtins.open(local_path(path), mode, buffering)


class FileStatistics:
    """What `stat` returns.

    Attributes:
      length: the size in bytes.
      mtime_nsec: when the file was last changed, in nanoseconds.
      is_directory: whether it is a folder.
    """

    def __init__(self, length: int, mtime_nsec: int, is_directory: bool) -> None:
        self.length = length
        self.mtime_nsec = mtime_nsec
        self.is_directory = is_directory


class FileIO:
    """A file, opened when it is first read or written.

    Args:
      name: its path.
      mode: r, w, a, r+, w+ or a+; with a `b`, reading gives bytes.

    Raises:
      InvalidArgumentError: another mode.
    """

    def __init__(self, name: PathLike, mode: str) -> None:
        self.__name = name
        self.__mode = mode
        self._reader: Any = None
        self._writer: Any = None
        self._binary_mode = "b" in mode
        plain = mode.replace("b", "")
        if plain not in _MODES:
            raise errors.InvalidArgumentError(
                None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'"
            )
        self._read_check_passed = plain in ("r", "r+", "a+", "w+")
        self._write_check_passed = plain != "r"

    @property
    def name(self) -> Any:
        """The path, as given."""
        return self.__name

    @property
    def mode(self) -> str:
        """The mode, as given."""
        return self.__mode

    def _preread_check(self) -> Any:
        if self._reader is None:
            if not self._read_check_passed:
                raise errors.PermissionDeniedError(
                    None, None, "File isn't open for reading"
                )
            with _translated(self.__name):
                self._reader = builtins.open(local_path(self.__name), "rb")
        return self._reader

    def _prewrite_check(self) -> Any:
        if self._writer is None:
            if not self._write_check_passed:
                raise errors.PermissionDeniedError(
                    None, None, "File isn't open for writing"
                )
            with _translated(self.__name):
                mode = "ab" if "a" in self.__mode else "wb"
                self._writer = builtins.open(local_path(self.__name), mode)
        return self._writer

    def _prepare_value(self, value: bytes) -> Any:
        return value if self._binary_mode else as_str(value)

    def size(self) -> int:
        """The size of the file in bytes."""
        return stat(self.__name).length

    def write(self, file_content: str | bytes) -> None:
        """Append text or bytes to the file."""
        with _translated(self.__name):
            self._prewrite_check().write(as_bytes(file_content))

    def read(self, n: int = -1) -> Any:
        """The next `n` bytes, to the end for -1, as text or, in mode b, as bytes."""
        with _translated(self.__name):
            return self._prepare_value(self._preread_check().read(n))

    def seek(
        self, offset: int | None = None, whence: int = 0, position: int | None = None
    ) -> None:
        """Go to `offset` bytes from the start (0), from here (1) or from the end (2).

        Raises:
          TypeError: neither or both of `offset` and its old name `position`.
          InvalidArgumentError: another `whence`.
          OutOfRangeError: a place before the start.
        """
        reader = self._preread_check()
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        if offset is not None and position is not None:
            raise TypeError(
                "seek(): offset and position may not be set simultaneously."
            )
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2.",
            )
        start = (lambda: 0, reader.tell, self.size)[whence]()
        target = start + (offset or position or 0)
        if target < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Seeking to a negative position: {target}"
            )
        reader.seek(target)

    def readline(self) -> Any:
        """The next line with its newline; empty at the end."""
        with _translated(self.__name):
            return self._prepare_value(self._preread_check().readline())

    def readlines(self) -> list[Any]:
        """All further lines."""
        return list(self)

    def tell(self) -> int:
        """Where in the file one is, in bytes."""
        if self._read_check_passed:
            return self._preread_check().tell()
        return self._prewrite_check().tell()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Any:
        return self

    def next(self) -> Any:
        """The next line; StopIteration at the end."""
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __next__(self) -> Any:
        return self.next()

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Flush and close; the next use opens the file again."""
        for stream in (self._reader, self._writer):
            if stream is not None:
                stream.close()
        self._reader = self._writer = None

    def __del__(self) -> None:
        # programs leave files to the garbage collector
        if hasattr(self, "_writer"):
            self.close()

    def seekable(self) -> bool:
        """True: `seek` and `tell` work."""
        return True


class GFile(FileIO):
    """A file; see `FileIO`. `tf.gfile.Open` is the same."""

    def __init__(self, name: PathLike, mode: str = "r") -> None:
        super().__init__(name=name, mode=mode)


class FastGFile(FileIO):
    """The same as `GFile`."""

    def __init__(self, name: PathLike, mode: str = "r") -> None:
        super().__init__(name=name, mode=mode)


Open = GFile


def file_exists(filename: PathLike) -> bool:
    """Whether a file or folder is there."""
    return os.path.exists(local_path(filename))


def delete_file(filename: PathLike) -> None:
    """Delete a file."""
    with _translated(filename):
        path = local_path(filename)
        if os.path.isdir(path):
            raise OSError(errno.EISDIR, "", path)
        os.remove(path)


def read_file_to_string(filename: PathLike, binary_mode: bool = False) -> Any:
    """A whole file as text, or as bytes."""
    with FileIO(filename, "rb" if binary_mode else "r") as stream:
        return stream.read()


def write_string_to_file(filename: PathLike, file_content: str | bytes) -> None:
    """Make a file hold just this text or these bytes."""
    with FileIO(filename, "w") as stream:
        stream.write(file_content)


def get_matching_files(filename: PathLike | Sequence[PathLike]) -> list[str]:
    """The paths that match a pattern, or any of a list of patterns.

    Raises:
      NotFoundError: there is no folder of the part without wildcards.
      FailedPreconditionError: it is none.
    """
    several = isinstance(filename, list | tuple)
    patterns: Sequence[Any] = filename if several else [filename]
    found = []
    for pattern in patterns:
        folder = os.path.dirname(re.split(r"[*?\[\\]", as_str_any(pattern))[0])
        if folder and not os.path.isdir(local_path(folder)):
            with _translated(folder):
                os.listdir(local_path(folder))
        if not as_str_any(pattern).endswith("/"):
            found += sorted(globbing.glob(local_path(pattern), include_hidden=True))
    return found


def create_dir(dirname: PathLike) -> None:
    """Make a folder, unless it is there; the folder above it must be."""
    path = local_path(dirname)
    if not os.path.isdir(path):
        with _translated(dirname):
            os.mkdir(path)


def recursive_create_dir(dirname: PathLike) -> None:
    """Make a folder and those above it, as far as they are not there."""
    with _translated(dirname):
        os.makedirs(local_path(dirname), exist_ok=True)


def copy(oldpath: PathLike, newpath: PathLike, overwrite: bool = False) -> None:
    """Copy a file.

    Raises:
      AlreadyExistsError: the target is there and `overwrite` is False.
    """
    _check_target(newpath, overwrite)
    with _translated(oldpath):
        shutil.copyfile(local_path(oldpath), local_path(newpath))


def rename(oldname: PathLike, newname: PathLike, overwrite: bool = False) -> None:
    """Rename or move a file or folder.

    Raises:
      AlreadyExistsError: the target is there and `overwrite` is False.
    """
    _check_target(newname, overwrite)
    with _translated(oldname):
        os.replace(local_path(oldname), local_path(newname))


def _check_target(path: PathLike, overwrite: bool) -> None:
    if not overwrite and file_exists(path):
        raise errors.AlreadyExistsError(None, None, "file already exists")


def atomic_write_string_to_file(
    filename: PathLike, contents: str | bytes, overwrite: bool = True
) -> None:
    """Make a file hold this text, so that no reader ever sees a part of it."""
    temporary = as_str_any(filename) + ".tmp" + uuid.uuid4().hex
    write_string_to_file(temporary, contents)
    try:
        rename(temporary, filename, overwrite)
    except errors.OpError:
        delete_file(temporary)
        raise


def delete_recursively(dirname: PathLike) -> None:
    """Delete a folder and everything in it."""
    path = local_path(dirname)
    if not os.path.exists(path):
        raise errors.NotFoundError(None, None, f"{as_str_any(dirname)} not found")
    with _translated(dirname):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def is_directory(dirname: PathLike) -> bool:
    """Whether a path is a folder."""
    return os.path.isdir(local_path(dirname))


def list_directory(dirname: PathLike) -> list[str]:
    """The names in a folder.

    Raises:
      NotFoundError: there is no such folder.
    """
    path = local_path(dirname)
    if not os.path.isdir(path):
        raise errors.NotFoundError(
            None, None, f"Could not find directory {as_str_any(dirname)}"
        )
    with _translated(dirname):
        return os.listdir(path)


def walk(top: PathLike, in_order: bool = True) -> Iterator[tuple[str, list, list]]:
    """Triples of a folder, its folders and its files, from `top` down.

    Args:
      top: where to start; a path that is no folder gives nothing.
      in_order: a folder before, rather than after, what is in it.
    """
    return walk_v2(top, topdown=in_order)


def walk_v2(
    top: PathLike, topdown: bool = True, onerror: Callable[[Any], Any] | None = None
) -> Iterator[tuple[str, list, list]]:
    """As `walk`; `onerror` is called with the error of a folder that cannot be read."""
    yield from os.walk(local_path(top), topdown=topdown, onerror=onerror)


def stat(filename: PathLike) -> FileStatistics:
    """The size, time of change and kind of a file."""
    with _translated(filename):
        found = os.stat(local_path(filename))
    return FileStatistics(
        found.st_size, found.st_mtime_ns, os.path.isdir(local_path(filename))
    )


def filecmp(filename_a: PathLike, filename_b: PathLike) -> bool:
    """Whether two files hold the same bytes."""
    import filecmp as comparing

    with _translated():
        return comparing.cmp(
            local_path(filename_a), local_path(filename_b), shallow=False
        )


def file_crc32(filename: PathLike, block_size: int = _BLOCK) -> str:
    """The CRC-32 of a file, as hexadecimal text."""
    import zlib

    value = 0
    with FileIO(filename, "rb") as stream:
        while block := stream.read(block_size):
            value = zlib.crc32(block, value)
    return hex(value & 0xFFFFFFFF)


# `tf.io.gfile` says `path`, `src` and `dst` where `tf.gfile` has longer words.


def exists(path: PathLike) -> bool:
    """Whether a file or folder is there."""
    return file_exists(path)


def remove(path: PathLike) -> None:
    """Delete a file."""
    delete_file(path)


def glob(pattern: PathLike | Sequence[PathLike]) -> list[str]:
    """The paths that match a pattern, or any of a list of patterns."""
    return get_matching_files(pattern)


def mkdir(path: PathLike) -> None:
    """Make a folder, unless it is there; the folder above it must be."""
    create_dir(path)


def makedirs(path: PathLike) -> None:
    """Make a folder and those above it, as far as they are not there."""
    recursive_create_dir(path)


def copy_v2(src: PathLike, dst: PathLike, overwrite: bool = False) -> None:
    """As `copy`."""
    copy(src, dst, overwrite)


def rename_v2(src: PathLike, dst: PathLike, overwrite: bool = False) -> None:
    """As `rename`."""
    rename(src, dst, overwrite)


def rmtree(path: PathLike) -> None:
    """Delete a folder and everything in it."""
    delete_recursively(path)


def isdir(path: PathLike) -> bool:
    """Whether a path is a folder."""
    return is_directory(path)


def listdir(path: PathLike) -> list[str]:
    """The names in a folder."""
    return list_directory(path)


def stat_v2(path: PathLike) -> FileStatistics:
    """As `stat`."""
    return stat(path)
