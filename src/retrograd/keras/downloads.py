"""Files that are fetched once and kept."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence

from retrograd.keras.progress import Progbar

_BLOCK = 8192


def get_file(
    fname: str,
    origin: str,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | None = None,
) -> str:
    """The path of a file, which is fetched if it is not there.

    Args:
      fname: its name; an absolute path stays where it is.
      origin: its address.
      untar: whether it is an archive, `fname` without `.tar.gz`, to be unpacked.
      md5_hash: its MD5, the older form of `file_hash`.
      file_hash: its hash; a file that has another is fetched again.
      cache_subdir: the folder below `cache_dir`.
      hash_algorithm: `auto`, `md5` or `sha256`.
      extract: whether it is unpacked if it is an archive.
      archive_format: `auto`, `tar`, `zip`, None, or several of them.
      cache_dir: by default `~/.keras`.

    Raises:
      Exception: it cannot be fetched.
    """
    if cache_dir is None:
        cache_dir = os.path.join(os.path.expanduser("~"), ".keras")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    base = os.path.expanduser(cache_dir)
    folder = base if os.path.isdir(base) else os.path.dirname(base) or "."
    if not os.access(folder, os.W_OK):
        base = os.path.join("/tmp", ".keras")
    folder = os.path.join(base, cache_subdir)
    os.makedirs(folder, exist_ok=True)
    unpacked = os.path.join(folder, fname)
    path = unpacked + ".tar.gz" if untar else unpacked
    fetch = not os.path.exists(path)
    if not fetch and file_hash is not None:
        if not validate_file(path, file_hash, algorithm=hash_algorithm):
            print(
                "A local file was found, but it seems to be incomplete or outdated "
                f"because the {hash_algorithm} file hash does not match the original "
                f"value of {file_hash} so we will re-download the data."
            )
            fetch = True
    if fetch:
        print("Downloading data from", origin)
        try:
            _fetch(origin, path)
        except urllib.error.HTTPError as error:
            raise Exception(
                f"URL fetch failure on {origin}: {error.code} -- {error.msg}"
            ) from error
        except urllib.error.URLError as error:
            raise Exception(
                f"URL fetch failure on {origin}: {error.errno} -- {error.reason}"
            ) from error
    if untar:
        if not os.path.exists(unpacked):
            _extract_archive(path, folder, archive_format="tar")
        return unpacked
    if extract:
        _extract_archive(path, folder, archive_format)
    return path


def _fetch(origin: str, path: str) -> None:
    """Write what an address gives to a file, in one step; show how far it has come."""
    with urllib.request.urlopen(origin) as source:
        size = source.headers.get("Content-Length")
        bar = Progbar(int(size) if size and int(size) > 0 else None)
        done = 0
        handle, part = tempfile.mkstemp(dir=os.path.dirname(path))
        try:
            with os.fdopen(handle, "wb") as stream:
                while block := source.read(_BLOCK):
                    stream.write(block)
                    done += len(block)
                    bar.update(done)
            os.replace(part, path)
        except BaseException:
            os.remove(part)
            raise


def _extract_archive(
    file_path: str,
    path: str = ".",
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpack an archive into a folder; false if it is none.

    A member that would lie outside of the folder is refused.
    """
    if archive_format is None:
        return False
    if archive_format == "auto":
        archive_format = ["tar", "zip"]
    kinds = [archive_format] if isinstance(archive_format, str) else archive_format
    for kind in kinds:
        if kind == "tar" and tarfile.is_tarfile(file_path):
            with tarfile.open(file_path) as archive:
                archive.extractall(path, filter="data")
            return True
        if kind == "zip" and zipfile.is_zipfile(file_path):
            with zipfile.ZipFile(file_path) as archive:
                archive.extractall(path)
            return True
    return False


def _hash_file(fpath: str, algorithm: str = "sha256", chunk_size: int = 65535) -> str:
    """The hash of a file, `sha256` or `md5`, in hexadecimal digits."""
    sha = algorithm in ("sha256", "auto")
    found = hashlib.sha256() if sha else hashlib.md5()
    with open(fpath, "rb") as stream:
        while block := stream.read(chunk_size):
            found.update(block)
    return found.hexdigest()


def validate_file(
    fpath: str, file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Whether a file has a hash; `auto` tells the kinds apart by their length."""
    sha = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    kind = "sha256" if sha else "md5"
    return _hash_file(fpath, kind, chunk_size) == str(file_hash)
