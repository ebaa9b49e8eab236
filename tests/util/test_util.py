"""Decorators, inspection, collections by identity."""

import functools
import inspect

import pytest

from retrograd.util import decorators, functions, identity, inspecting


def target(a, b=2, *, c=3):
    """A target.

    More.
    """
    return a, b, c


def doubled(function):
    def wrapper(*args, **kwargs):
        return wrapper.__wrapped__(*args, **kwargs) * 2

    return decorators.make_decorator(function, wrapper)


def test_make_unwrap_and_rewrap():
    wrapped = doubled(target)
    assert wrapped(1) == (1, 2, 3, 1, 2, 3)
    assert (wrapped.__name__, wrapped.__doc__) == ("target", target.__doc__)
    found, inner = decorators.unwrap(wrapped)
    assert (found[0].decorator_name, inner) == ("doubled", target)
    assert decorators.rewrap(wrapped, target, lambda a: (a,)) is wrapped
    assert wrapped(1) == (1, 1)
    assert decorators.rewrap(target, target, len) is len


def test_inspection_looks_through_decorators():
    wrapped = doubled(target)
    assert inspecting.getfullargspec(wrapped) == inspect.getfullargspec(target)
    assert inspecting.getsource(wrapped) == inspect.getsource(target)
    assert inspecting.getargspec(wrapped) == (["a", "b"], None, None, (2,))
    given = inspecting.getcallargs(wrapped, 5, c=6)
    assert given == {"a": 5, "b": 2, "c": 6}
    renamed = decorators.make_decorator(
        target, lambda *a: a, "other", "", inspecting.ArgSpec(["z"], None, None, None)
    )
    assert inspecting.getargspec(renamed).args == ["z"]


def test_argspec_of_partials():
    def plain(a, b, c=3):
        return a

    spec = inspecting.getargspec(functools.partial(plain, 1, b=2))
    assert spec == (["b", "c"], None, None, (2, 3))
    with pytest.raises(ValueError, match=r"Some arguments \['b'\] do not have default"):
        inspecting.getargspec(functools.partial(plain, a=1))
    with pytest.raises(ValueError, match="unknown partial keyword"):
        inspecting.getargspec(functools.partial(plain, d=1))


class Callable:
    def __call__(self, x, **kwargs):
        return x

    def method(self, y):
        return y


def test_function_facts():
    assert functions.fn_args(Callable()) == ("x",)
    assert functions.fn_args(Callable().method) == ("y",)
    assert functions.fn_args(functools.partial(target, 1)) == ("b",)
    assert functions.has_kwargs(Callable()) and not functions.has_kwargs(target)
    assert functions.get_func_name(Callable().method) == "Callable.method"
    assert functions.get_func_code(target) is target.__code__
    with pytest.raises(ValueError, match="Argument must be callable"):
        functions.get_func_name(3)


def test_identity_collections():
    one, other = [1], [1]
    table = identity.ObjectIdentityDictionary()
    table[one] = "one"
    assert one in table and other not in table
    items = identity.ObjectIdentitySet([one, other, one])
    assert len(items) == 2
    assert (
        identity.Reference(one) == identity.Reference(one) != identity.Reference(other)
    )

    class Thing:
        pass

    thing = Thing()
    weak = identity.ObjectIdentityWeakSet([thing])
    assert list(weak) == [thing]
    del thing
    assert len(weak) == 0


def test_keyword_args_only_and_export():
    only = decorators.keyword_args_only(target)
    assert only(a=1) == (1, 2, 3)
    with pytest.raises(ValueError, match="Must use keyword args to call target"):
        only(1)
    exported = decorators.tf_export("my.name", v1=["old.name"])(lambda: 3)
    assert exported() == 3 and exported._tf_api_names_v1 == ("old.name",)
