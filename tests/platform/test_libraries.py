"""Custom C++ ops: the error names the way out."""

import pytest

from retrograd import errors
from retrograd.platform import libraries


def test_a_missing_library():
    with pytest.raises(errors.NotFoundError) as caught:
        libraries.load_op_library("/no/such.so")
    assert str(caught.value).splitlines()[0] == (
        "/no/such.so: cannot open shared object file: No such file or directory"
    )


@pytest.mark.parametrize("load", [libraries.load_op_library, libraries.load_library])
def test_a_library_of_ops(tmp_path, load):
    path = tmp_path / "ops.so"
    path.write_bytes(b"\x7fELF")
    with pytest.raises(errors.UnimplementedError) as caught:
        load(path)
    first, got, fix = str(caught.value).splitlines()
    assert first == "Custom C++ ops cannot be loaded."
    assert str(path) in got and "retrograd.ops.declare" in fix
