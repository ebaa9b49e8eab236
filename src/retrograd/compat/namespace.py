"""Modules whose attributes are TensorFlow 1's names, found when first used.

Three kinds share one look-up:

- `tensorflow`, `tensorflow.nn`, `tensorflow.compat.v1` … hold public names only;
- `tensorflow.python.ops.math_ops`, `tensorflow.contrib.layers.python.layers` … are the
  inside of TensorFlow: any of them imports, and what is not provided raises where it is
  used, naming itself and the nearest name that exists;
- `retrograd` and those of its own modules that share a name with a public namespace
  (`retrograd.data`, `retrograd.errors`) keep what they hold and answer for the public
  names beside it, so that `import retrograd as tf` works.
"""

from __future__ import annotations

import importlib
import opcode
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from retrograd.compat import table
from retrograd.compat.table import INTERNAL, NotProvided

if TYPE_CHECKING:
    from types import FrameType

_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]
_spaces: dict[str, Namespace] = {}


class MissingText:
    """What an error says of a TensorFlow name that is not provided.

    The first line is TensorFlow 1.15's. What the name is, and the nearest names that
    exist, is looked for only when somebody reads the text, as most such errors answer a
    `hasattr`.

    Args:
      path: the namespace or module, below `tensorflow`.
      first: the first line; by default that of an AttributeError.
    """

    def __init__(self, path: str, name: str, first: str = "") -> None:
        self.path, self.name = path, name
        title = _module_title(path)
        self.first = first or f"module '{title}' has no attribute '{name}'"

    def __str__(self) -> str:
        import retrograd.compat.absent as absent

        near = nearest(self.path, self.name)
        return self.first + absent.explained(self.path, self.name, near)

    __repr__ = __str__


def missing_name(path: str, name: str) -> AttributeError:
    """The error for a name that is not provided."""
    return AttributeError(MissingText(path, name))


def nearest(path: str, name: str) -> list[str]:
    """Up to three existing public names most like `name`, those of `path` first."""
    from difflib import get_close_matches

    prefix = "tf." + path + "." if path else "tf."
    inside = set(path.split(".")) & INTERNAL - {"contrib"}
    own = [] if inside else table.names().below(path)
    found = [prefix + match for match in get_close_matches(name, own, 3, 0.7)]
    if not found:
        groups = table.by_last_part()
        matches = get_close_matches(name, groups, 3, 0.7)
        found = ["tf." + min(groups[match], key=_depth) for match in matches]
    return found


def _depth(path: str) -> tuple[bool, int, str]:
    return path.startswith(("contrib", "compat", *INTERNAL)), path.count("."), path


def _module_title(path: str) -> str:
    """A namespace as TensorFlow 1.15 prints its module."""
    top = path.partition(".")[0]
    if not path or top in INTERNAL:
        return f"tensorflow.{path}".rstrip(".")
    if top == "keras":
        return f"tensorflow.python.keras.api._v1.{path}"
    return f"tensorflow._api.v1.{path}"


class Namespace(ModuleType):
    """A module that answers for the TensorFlow names below `tensorflow.<path>`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"tensorflow.{path}".rstrip("."), _about(path))
        if is_package(path):
            self.__path__ = []  # submodules are found by the import hook
        if not path:
            self.__file__ = sys.modules["retrograd"].__file__

    def __getattr__(self, name: str) -> Any:
        path = self.__name__.partition(".")[2]
        value = _found(path, name)
        if value is _missing_value:
            # outside of any `except`: nothing of ours shows in a traceback
            if _is_import_from(sys._getframe(1)):
                return self._imported_missing(path, name)
            raise missing_name(path, name)
        if not isinstance(value, bool | None):  # a switch may be thrown later
            self.__dict__[name] = value
        return value

    def _imported_missing(self, path: str, name: str) -> Any:
        """`from tensorflow.x import name` where there is no such name.

        Inside TensorFlow it succeeds for what 1.15 has, as programs import more than
        they use; the stand-in raises when it is used. An attribute raises at once, so
        that `hasattr` tells the truth.
        """
        import retrograd.compat.absent as absent

        if is_internal(path) and not name.startswith("__"):
            if absent.was_in_115(path, name) is not False:
                return Missing(path, name)
        first = f"cannot import name '{name}' from '{self.__name__}'"
        raise ImportError(MissingText(path, name, first), name=name)

    def __setattr__(self, name: str, value: object) -> None:
        # A program that replaces a function inside TensorFlow means the one that runs.
        path = self.__name__.partition(".")[2]
        if not isinstance(value, ModuleType) and not name.startswith("__"):
            for source in table.names().sources.get(path, ()):
                module = table.import_or_none(source)
                if module is not None and name in vars(module):
                    setattr(module, name, value)
                    break
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        path = self.__name__.partition(".")[2]
        return sorted({*known_names(path), *self.__dict__})


class Own(Namespace):
    """A module of ours that answers for the public namespace of its name as well."""

    def __init__(self) -> None:
        raise TypeError("Own is given to existing modules, as their __class__.")

    def __getattr__(self, name: str) -> Any:
        path = self.__name__.partition(".")[2]
        if name == "__path__":  # each `from … import` in a function asks for it
            raise missing_name(path, name)
        full = f"{path}.{name}" if path else name
        if _has_names_below(full) and not name.startswith("_"):
            module = table.import_or_none(f"{self.__name__}.{name}")
            if module is not None:
                return module
        return super().__getattr__(name)

    def _imported_missing(self, path: str, name: str) -> Any:
        raise missing_name(path, name)  # Python's own words: this is a real module

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds submodules here. One that is a public namespace
        # learns to answer for it; one that hides a public name stays in sys.modules.
        if (
            isinstance(value, ModuleType)
            and value.__name__ == f"{self.__name__}.{name}"
        ):
            path = value.__name__.partition(".")[2]
            if _has_names_below(path):
                value.__class__ = Own
            elif path in table.names().places:
                return
        super().__setattr__(name, value)


def _has_names_below(path: str) -> bool:
    return table.names().is_namespace(path) or path in INTERNAL


def is_internal(path: str) -> bool:
    """Whether a dotted name lies inside TensorFlow, where any module imports."""
    return path.partition(".")[0] in INTERNAL


def is_package(path: str) -> bool:
    """Whether modules lie below a dotted name; public namespaces count as packages."""
    if not is_internal(path):
        return True
    import retrograd.compat.inside as inside

    return path in inside.modules()


def namespace(path: str) -> Namespace:
    """The one module object for `tensorflow.<path>`; `tensorflow` itself for ''."""
    found = _spaces.get(path)
    if found is None:
        found = _spaces.setdefault(path, Namespace(path))
    return found


def submodule(path: str) -> ModuleType:
    """`tensorflow.<path>`, imported where `tensorflow` is ours to import."""
    if _spaces.get("") is not None and sys.modules.get("tensorflow") is _spaces[""]:
        return importlib.import_module(f"tensorflow.{path}")
    return namespace(path)


def look_up(path: str, name: str) -> Any:
    """The object called `name` in the namespace or internal module `path`.

    Raises:
      NotProvided: there is none.
    """
    if name == "__all__":
        return [n for n in sorted(known_names(path)) if _is_there(path, n)]
    full = f"{path}.{name}" if path else name
    names = table.names()
    try:
        return table.resolve(full)
    except NotProvided:
        if names.is_namespace(full):
            return namespace(full)
    if name.startswith("__"):
        raise NotProvided(full)
    mirrored = names.mirrored(path)
    if mirrored is not None:
        return look_up(mirrored, name)
    if is_internal(path):
        return _look_up_inside(path, name)
    value = _made_by_us(path, name)
    if value is _missing_value and path:  # all that lies directly below tf is listed
        value = _made_at_home(full)
    if value is not _missing_value:
        return value
    if not path and name in INTERNAL:
        return namespace(name)
    raise NotProvided(full)


def _found(path: str, name: str) -> Any:
    """What `look_up` finds, or `_missing_value`."""
    try:
        return look_up(path, name)
    except NotProvided:
        return _missing_value


def _made_by_us(path: str, name: str, defined: bool = False) -> Any:
    """What our modules behind a path have under a name.

    Not what they import only from Python, nor modules; with `defined`, nothing that
    they import.
    """
    for source in table.names().sources.get(path, ()):
        value = getattr(table.import_or_none(source), name, _missing_value)
        if value is _missing_value or isinstance(value, ModuleType):
            continue
        home = getattr(value, "__module__", None)
        top = home.partition(".")[0] if isinstance(home, str) else "builtins"
        foreign = top != "builtins" and top in sys.stdlib_module_names
        if not foreign and not (defined and top == "retrograd" and home != source):
            return value
    return _missing_value


def _made_at_home(public: str) -> Any:
    """A public name that is not listed, where the inner module that makes it has it."""
    import retrograd.compat.inside as inside

    found = inside.home(public)
    if found is None:
        return _missing_value
    try:
        return table.resolve(".".join(found))
    except NotProvided:
        value = _made_by_us(*found)
    if value is _missing_value and inside.is_generated(found[0]):
        return _declared_function(found[1])
    return value


def _declared_function(name: str) -> Any:
    """The function of an op by its name in TensorFlow, if the op is declared."""
    from retrograd.ops import declare, raw

    op_type = raw.op_type_of(name)
    known = op_type is not None and op_type in declare.index()
    return raw.function(name) if known else _missing_value


def known_names(path: str) -> set[str]:
    """The names that `path` has or, inside TensorFlow, had in 1.15."""
    known = {*table.names().below(path)}
    if is_internal(path):
        import retrograd.compat.inside as inside

        known |= inside.names_of(path)
    for source in table.names().sources.get(path, ()):
        module = table.import_or_none(source)
        listed = () if module is None else vars(module)
        known.update(n for n in listed if _made_by_us(path, n) is not _missing_value)
    return known


def _is_there(path: str, name: str) -> bool:
    """Whether `import *` takes a name, which must resolve then."""
    try:
        return not name.startswith("_") and look_up(path, name) is not None
    except (NotProvided, ImportError):
        return False


def _look_up_inside(path: str, name: str, taken: bool = False) -> Any:
    """A name of one of TensorFlow's own modules, by what 1.15 holds under it.

    Args:
      taken: whether another module takes all of this one's: then what our modules only
        import does not count, as theirs need not have it.
    """
    try:
        return table.resolve(f"{path}.{name}")
    except NotProvided:
        pass
    import retrograd.compat.inside as inside

    found = inside.reference(path, name)
    # Before ours, which may only use the other's function of that name:
    for other in (found, *inside.taken(path, name)):
        if other is not None and other[0] in ("public", "name", *inside.MODULES):
            try:
                return _referred(other)
            except NotProvided:
                if other is found:
                    kind = "op" if inside.is_generated(path) else "own"
                    found = kind, name, ""
    value = _made_by_us(path, name, taken)
    if value is not _missing_value:
        return value
    if found is not None:
        return _referred(found)
    for origin in inside.origins(path, name):
        try:
            value = _look_up_inside(origin, name, taken=True)
        except NotProvided:
            continue
        if not isinstance(value, ModuleType):
            return value
    if name in inside.modules().get(path, ()):
        return submodule(f"{path}.{name}")
    raise NotProvided(f"{path}.{name}")


def _referred(found: tuple[str, str, str]) -> Any:
    """The object that a reference leads to.

    Raises:
      NotProvided: it is not provided.
    """
    kind, place, name = found
    if kind == "public":
        return table.resolve(place)
    if kind == "name":
        return look_up(place, name)
    if kind == "module":
        return submodule(place)
    if kind == "outside":
        module = table.import_or_none(place)
        if module is not None:
            return module
    if kind == "rule":
        from retrograd.compat.internals import gradients

        function = gradients.function_of(place)
        if function is not None:
            return function
    if kind == "op":
        return _raw_function(place)
    if kind == "constant":
        import retrograd.compat.inside as inside

        return inside.value_of(place)
    raise NotProvided(place)


def _raw_function(name: str) -> Any:
    """The function that a `gen_…_ops` module has under a name: it applies one op."""
    from retrograd.ops import raw

    try:
        return raw.function(name)
    except AttributeError:
        raise NotProvided(name) from None


def _short_title(path: str) -> str:
    return f"tensorflow.{path}".rstrip(".")


def _is_import_from(frame: FrameType) -> bool:
    at = frame.f_lasti
    return at >= 0 and frame.f_code.co_code[at] == _IMPORT_FROM


class Missing:
    """Stands for a name that is not provided; raises wherever it is used."""

    def __init__(self, path: str, name: str) -> None:
        self.__dict__["_text"] = MissingText(path, name)

    def _fail(self, *args: object, **kwargs: object) -> NoReturn:
        raise AttributeError(self.__dict__["_text"])

    __call__ = _fail
    __getattr__ = _fail
    __getitem__ = _fail
    __iter__ = _fail

    def __instancecheck__(self, instance: object) -> bool:
        return False  # nothing can be an instance of what does not exist

    def __subclasscheck__(self, subclass: object) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        # a class may be derived from it: making an instance is what fails
        return (type(self.__dict__["_text"].name, (), {"__new__": self._fail}),)

    def __repr__(self) -> str:
        text = self.__dict__["_text"]
        return f"<not provided: {_short_title(text.path)}.{text.name}>"


_missing_value = object()


def _about(path: str) -> str:
    place = f"tf.{path}" if path else "tf"
    return f"The names of TensorFlow 1.15 below `{place}`, provided by retrograd."
