"""Notices of deprecation, and modules that are loaded late."""

import pytest

from retrograd.compat.internals import deprecation, modules
from retrograd.platform import logs


def target(a, b=2, *, c=3):
    """A target.

    More.
    """
    return a, b, c


@pytest.fixture
def logged(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, "warning", lambda text, *a: lines.append(text % a))
    monkeypatch.setattr(deprecation, "_PRINTED_WARNING", {})
    return lines


def test_deprecated(logged):
    old = deprecation.deprecated("2019-10-01", "Use new.")(target)
    assert old(1) == (1, 2, 3) and old(2)
    assert len(logged) == 1
    where, _, rest = logged[0].partition(": ")
    assert where.startswith(f"From {__file__}")
    assert rest == (
        f"target (from {__name__}) is deprecated and will be removed after 2019-10-01."
        "\nInstructions for updating:\nUse new."
    )
    assert old.__doc__.splitlines()[0] == "A target. (deprecated)"
    assert "Warning: THIS FUNCTION IS DEPRECATED. It will be removed" in old.__doc__
    with pytest.raises(ValueError, match="Date must be YYYY-MM-DD"):
        deprecation.deprecated("soon", "x")
    with pytest.raises(ValueError, match="Don't deprecate things without conversion"):
        deprecation.deprecated(None, "")


def test_deprecated_arguments(logged):
    old = deprecation.deprecated_args(None, "No.", "b", ("a", 3))(target)
    old(3)
    assert logged == []
    old(3, 2)
    old(1, b=2)
    assert [line.split(" with ")[1].split(" is ")[0] for line in logged] == ["b", "a"]
    with pytest.raises(ValueError, match=r"not present in the function signature"):
        deprecation.deprecated_args(None, "x", "nothing")(target)
    values = deprecation.deprecated_arg_values(None, "x", b=7)(lambda a, b: a)
    values(1, 6)
    assert len(logged) == 2
    values(1, 7)
    assert "with b=7 is deprecated" in logged[-1]
    with deprecation.silence():
        deprecation.deprecated(None, "x")(target)(1)
    assert len(logged) == 3


def test_deprecated_alias_and_lookup(logged):
    class New:
        """New."""

        def __init__(self, x):
            self.x = x

    old = deprecation.deprecated_alias("m.Old", "m.New", New)
    assert old(3).x == 3 and isinstance(old(4), New)
    assert logged[0].endswith(
        "The name m.Old is deprecated. Please use m.New instead.\n"
    )
    assert len(logged) == 1
    assert deprecation.deprecated_argument_lookup("new", None, "old", 2) == 2
    with pytest.raises(ValueError, match="Cannot specify both 'old' and 'new'"):
        deprecation.deprecated_argument_lookup("new", 1, "old", 2)


def test_lazy_loader():
    scope = {}
    module = modules.LazyLoader("js", scope, "json")
    assert module.dumps([1]) == "[1]"
    assert scope["js"].__name__ == "json"
