"""`import retrograd as tf`: public names, found when used."""

import subprocess
import sys
from types import ModuleType

import pytest

import retrograd
import retrograd as tf
from retrograd.compat.namespace import namespace


def test_names_and_namespaces():
    assert tf.__version__ == "1.15.5"
    assert tf.VERSION == tf.version.VERSION == "1.15.5"
    assert tf.errors.OpError.__name__ == "OpError"
    assert tf.OpError is tf.errors.OpError
    assert tf.nest.flatten({"b": 2, "a": [0, 1]}) == [0, 1, 2]
    assert isinstance(tf.keras.layers, ModuleType)
    assert isinstance(tf.contrib.layers, ModuleType)


def test_compat_v1_repeats_tf():
    v1 = tf.compat.v1
    assert v1.errors.NotFoundError is tf.errors.NotFoundError
    assert v1.nn.relu is tf.nn.relu
    assert v1.compat.as_bytes is tf.compat.as_bytes


def test_own_modules_answer_for_the_public_namespace_of_their_name():
    from retrograd import dtypes, errors

    assert errors.message("x") == "x"  # what is ours
    assert errors.NotFoundError is tf.errors.NotFoundError
    assert tf.dtypes.as_dtype is dtypes.as_dtype
    assert tf.dtypes.cast is tf.cast  # public there, defined elsewhere


def test_a_missing_name_says_what_is_near():
    with pytest.raises(AttributeError) as caught:
        tf.reduce_summ  # noqa: B018
    first, note, hint = str(caught.value).splitlines()
    assert first == "module 'tensorflow' has no attribute 'reduce_summ'"
    assert note == "  note: not in TensorFlow 1.15"
    assert hint.startswith("  nearest: tf.reduce_sum")
    with pytest.raises(AttributeError) as caught:
        tf.nn.sofplus  # noqa: B018
    first, _, hint = str(caught.value).splitlines()
    assert first == "module 'tensorflow._api.v1.nn' has no attribute 'sofplus'"
    assert "tf.nn.softplus" in hint


def test_probing_tells_the_truth():
    assert not hasattr(tf, "no_such_name")
    assert getattr(tf, "no_such_name", 3) == 3
    assert hasattr(tf, "float32")


def test_dir_lists_names_and_namespaces():
    assert {"float32", "nn", "contrib", "errors", "Graph"} <= set(dir(tf))
    assert "NotFoundError" in dir(namespace("errors"))


def test_an_assigned_name_stays():
    space = namespace("nn")
    original = space.relu
    space.relu = 3
    try:
        assert tf.nn.relu == 3
    finally:
        space.relu = original


def loaded(code: str) -> set[str]:
    """The modules, less Python's own, that some code loads."""
    told = "print(*{*sys.modules} - before)"
    program = f"import sys; before = {{*sys.modules}}; {code}; {told}"
    out = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(retrograd.__path__[0]) + "/.."},
    )
    names = out.stdout.split()
    return {m for m in names if m.partition(".")[0] not in sys.stdlib_module_names}


def test_import_loads_the_look_up_only():
    assert loaded("import retrograd") == {
        "retrograd",
        "retrograd.compat",
        "retrograd.compat.namespace",
        "retrograd.compat.table",
    }


def test_a_name_loads_what_it_needs_only():
    found = loaded("import retrograd; retrograd.float32; retrograd.errors.OpError")
    ours = {m for m in found if m.partition(".")[0] == "retrograd"}
    assert ours - loaded("import retrograd") == {"retrograd.dtypes", "retrograd.errors"}
    assert {m.partition(".")[0] for m in found - ours} == {"numpy"}


def test_the_same_word_elsewhere_is_another_function(monkeypatch):
    from retrograd.compat import table

    monkeypatch.setitem(
        table.names().places, "he_normal", ("retrograd.nest", "flatten")
    )
    monkeypatch.delitem(table.names().places, "contrib.layers.he_normal", raising=False)
    inner = namespace("python.ops.array_ops")
    assert not hasattr(inner, "he_normal")  # 1.15 has no such name there
    assert namespace("python.ops.math_ops").reduce_sum_v1 is tf.reduce_sum


def test_what_compat_v1_repeats_includes_names_of_other_modules():
    assert tf.compat.v1.flags.FLAGS is tf.flags.FLAGS
    assert tf.compat.v1.app.flags.DEFINE_string is tf.app.flags.DEFINE_string
    assert tf.compat.v2.compat.v1.flags.FLAGS is tf.flags.FLAGS
    with pytest.raises(AttributeError):
        tf.compat.v1.flags.no_such_name  # noqa: B018
