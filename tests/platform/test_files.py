"""tf.gfile: behaviour and texts as in TensorFlow 1.15."""

import pytest

from retrograd import errors
from retrograd.platform import files


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


def write(path, text):
    with files.GFile(path, "w") as stream:
        stream.write(text)


def test_reading_and_writing(folder):
    path = folder + "/file"
    write(path, "héllo\nworld\n")
    assert files.GFile(path).read() == "héllo\nworld\n"
    assert files.GFile(path).read(1) == "h"
    assert files.GFile(path, "rb").readline() == "héllo\n".encode()
    assert list(files.GFile(path)) == ["héllo\n", "world\n"]
    assert files.GFile(path).size() == 13
    with files.GFile(path, "a") as stream:
        stream.write(b"more")
        stream.flush()
        assert files.GFile(path).readlines()[-1] == "more"
    stream = files.GFile(path)
    stream.seek(7)
    assert (stream.tell(), stream.read(5)) == (7, "world")
    stream.seek(-4, 2)
    assert stream.read() == "more"
    assert (stream.name, stream.mode, stream.seekable()) == (path, "r", True)


def test_text_is_written_when_closed(folder):
    stream = files.GFile(folder + "/file", "w")
    assert not files.file_exists(folder + "/file")  # opened when first written
    stream.write("x")
    stream.close()
    assert files.read_file_to_string(folder + "/file") == "x"
    assert files.read_file_to_string(folder + "/file", binary_mode=True) == b"x"


@pytest.mark.parametrize(
    "action, kind, text",
    [
        (
            lambda d: files.GFile(d + "/no").read(),
            errors.NotFoundError,
            "{}/no; No such file or directory",
        ),
        (
            lambda d: files.delete_file(d + "/no"),
            errors.NotFoundError,
            "{}/no; No such file or directory",
        ),
        (
            lambda d: files.create_dir(d + "/a/b"),
            errors.NotFoundError,
            "{}/a/b; No such file or directory",
        ),
        (
            lambda d: files.list_directory(d + "/no"),
            errors.NotFoundError,
            "Could not find directory {}/no",
        ),
        (
            lambda d: files.delete_recursively(d + "/no"),
            errors.NotFoundError,
            "{}/no not found",
        ),
        (
            lambda d: files.delete_file(d),
            errors.FailedPreconditionError,
            "{}; Is a directory",
        ),
        (
            lambda d: files.GFile(d + "/f", "x"),
            errors.InvalidArgumentError,
            "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'",
        ),
        (
            lambda d: files.GFile(d + "/f", "r").write("x"),
            errors.PermissionDeniedError,
            "File isn't open for writing",
        ),
        (
            lambda d: files.GFile(d + "/f", "w").read(),
            errors.PermissionDeniedError,
            "File isn't open for reading",
        ),
        (
            lambda d: files.file_exists("gs://bucket/file"),
            errors.UnimplementedError,
            "File system scheme 'gs' not implemented (file: 'gs://bucket/file')",
        ),
    ],
)
def test_errors(folder, action, kind, text):
    with pytest.raises(kind) as caught:
        action(folder)
    assert str(caught.value).splitlines()[0] == text.format(folder)


def test_folders(folder):
    files.recursive_create_dir(folder + "/a/b")
    files.recursive_create_dir(folder + "/a/b")
    files.create_dir(folder + "/a/b")
    write(folder + "/a/one", "1")
    assert sorted(files.list_directory(folder + "/a")) == ["b", "one"]
    assert files.get_matching_files([folder + "/a/o*", folder + "/*"]) == [
        folder + "/a/one",
        folder + "/a",
    ]
    assert list(files.walk(folder))[1] == (folder + "/a", ["b"], ["one"])
    assert list(files.walk(folder, in_order=False))[-1][0] == folder
    assert files.is_directory(folder) and files.stat(folder).is_directory
    files.delete_recursively(folder + "/a")
    assert not files.file_exists(folder + "/a")


def test_copy_and_rename(folder):
    write(folder + "/one", "1")
    files.copy(folder + "/one", folder + "/two")
    assert files.filecmp(folder + "/one", folder + "/two")
    for action in (files.copy, files.rename):
        with pytest.raises(errors.AlreadyExistsError, match="file already exists"):
            action(folder + "/one", folder + "/two")
    files.rename(folder + "/one", folder + "/two", overwrite=True)
    assert files.list_directory(folder) == ["two"]
    files.atomic_write_string_to_file(folder + "/two", "new")
    assert files.GFile("file://" + folder + "/two").read() == "new"
    assert files.file_crc32(folder + "/two") == "0x6be34445"
