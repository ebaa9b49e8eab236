"""Hyperparameters: named values of fixed types, read from text or JSON."""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Mapping
from typing import Any, NoReturn, Self

#: a name, perhaps an index, and a value: a list in brackets, or what ends at a comma
PARAM_RE = re.compile(
    r"(?P<name>[a-zA-Z][\w\.]*)(\[\s*(?P<index>\d+)\s*\])?\s*=\s*"
    r"((?P<val>[^,\[]*)|\[(?P<vals>[^\]]*)\])($|,\s*)"
)
_TRUTHS = {"true": True, "True": True, "false": False, "False": False}


def parse_values(
    values: str, type_map: Mapping[str, type], ignore_unknown: bool = False
) -> dict[str, Any]:
    """The values in text such as "rate=0.1,sizes=[3,4],name[1]=x".

    Args:
      values: the text.
      type_map: the type of each name, or of the elements of its list.
      ignore_unknown: whether other names are left out.

    Raises:
      ValueError: malformed text, another name, a value that is not of its type, or a
        name that is given twice.
    """
    found: dict[str, Any] = {}
    position = 0
    while position < len(values):
        match = PARAM_RE.match(values, position)
        if match is None:
            raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
        position = match.end()
        name = match["name"]
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter type for {name}")
        if match["vals"] is not None:
            _put_list(found, name, match, type_map[name], values)
        else:
            _put_one(found, name, match, type_map[name], values)
    return found


def _put_one(
    found: dict[str, Any], name: str, match: re.Match[str], kind: type, values: str
) -> None:
    value = _parsed(name, match["val"], kind, values)
    if match["index"] is None:
        if name in found:
            _reused(name, values)
        found[name] = value
        return
    index = int(match["index"])
    places = found.setdefault(name, {})
    if not isinstance(places, dict) or index in places:
        _reused(f"{name}[{index}]" if isinstance(places, dict) else name, values)
    places[index] = value


def _put_list(
    found: dict[str, Any], name: str, match: re.Match[str], kind: type, values: str
) -> None:
    if match["index"] is not None:
        raise ValueError("Assignment of a list to a list index.")
    if name in found:
        _reused(name, values)
    elements = [e for e in re.split(r"[ ,]", match["vals"]) if e]
    found[name] = [_parsed(name, e, kind, values) for e in elements]


def _reused(name: str, values: str) -> NoReturn:
    raise ValueError(f"Multiple assignments to variable '{name}' in {values}")


def _parsed(name: str, text: str, kind: type, values: str) -> Any:
    """A value of a type; numbers stand for bools, too."""
    text = text.strip()
    try:
        if kind is not bool:
            return kind(text)
        return _TRUTHS[text] if text in _TRUTHS else bool(int(text))
    except ValueError:
        raise ValueError(
            f"Could not parse hparam '{name}' of type '{kind.__name__}' with value "
            f"'{text}' in {values}"
        ) from None


def _cast(name: str, kind: type, value: Any) -> Any:
    """The value as one of a type, if nothing of it is lost.

    Raises:
      ValueError: it is of another type.
    """
    if kind is type(None):
        return value
    fits = (
        issubclass(kind, (str, bytes)) <= isinstance(value, (str, bytes))
        and issubclass(kind, bool) == isinstance(value, bool)
        and issubclass(kind, numbers.Integral) <= isinstance(value, numbers.Integral)
        and issubclass(kind, numbers.Number) <= isinstance(value, numbers.Number)
    )
    if not fits:
        raise ValueError(
            f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}"
        )
    return kind(value)


class HParams:
    """Hyperparameters as attributes, each of the type of its first value.

    Args:
      hparam_def: a message HParamDef to take them from.
      model_structure: anything that is kept with them.
      **kwargs: the names and first values.

    Example:
      hparams = HParams(rate=0.1, sizes=[100, 10])
      hparams.parse("rate=0.5")
    """

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(
        self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any
    ) -> None:
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)
        if hparam_def is not None:
            for name, value in hparam_def.hparam.items():
                kind = value.WhichOneof("kind")
                stored = getattr(value, kind)
                if kind.endswith("_list"):
                    stored = list(stored.value)
                self.add_hparam(name, _decoded(stored))

    def add_hparam(self, name: str, value: Any) -> None:
        """Add a hyperparameter.

        Raises:
          ValueError: the name is taken, or the value is an empty list.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        several = isinstance(value, (list, tuple))
        if several and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        self._hparam_types[name] = type(value[0] if several else value), several
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Change a hyperparameter.

        Raises:
          KeyError: there is none of that name.
          ValueError: the value is of another type.
        """
        kind, several = self._hparam_types[name]
        if isinstance(value, list):
            if not several:
                raise ValueError(
                    f"Must not pass a list for single-valued parameter: {name}"
                )
            setattr(self, name, [_cast(name, kind, v) for v in value])
        elif several:
            raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
        else:
            setattr(self, name, _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Remove a hyperparameter, if there is one of that name."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> Self:
        """Change hyperparameters as text says; see `parse_values`."""
        kinds = {name: kind for name, (kind, _) in self._hparam_types.items()}
        return self.override_from_dict(parse_values(values, kinds))

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> Self:
        """Change hyperparameters to the values under their names."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_from_map(self, values_map: Mapping[str, Any]) -> Self:
        """The former name of `override_from_dict`."""
        return self.override_from_dict(values_dict=values_map)

    def set_model_structure(self, model_structure: Any) -> None:
        """Keep something with the hyperparameters."""
        self._model_structure = model_structure

    def get_model_structure(self) -> Any:
        """What is kept with the hyperparameters."""
        return self._model_structure

    def to_json(
        self,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        """The names and values as JSON; the arguments are those of `json.dumps`."""
        return json.dumps(
            self.values(), indent=indent, separators=separators, sort_keys=sort_keys
        )

    def parse_json(self, values_json: str) -> Self:
        """Change hyperparameters to the values in a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """The values by their names."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or a default that it could be.

        Raises:
          ValueError: the default is of another type.
        """
        if key not in self._hparam_types:
            return default
        if default is not None:
            self._check_default(key, default)
        return getattr(self, key)

    def _check_default(self, key: str, default: Any) -> None:
        kind, several = self._hparam_types[key]
        shown = f"list<{kind}>" if several else str(kind)
        text = (
            f"Hparam '{key}' of type '{shown}' is incompatible with default={default}"
        )
        if several != isinstance(default, list):
            raise ValueError(text)
        try:
            for value in default if several else [default]:
                _cast(key, kind, value)
        except ValueError as error:
            raise ValueError(f"{text}. {error}") from error

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ",".join(f"{k}={v}" for k, v in sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.values().items())})"


def _decoded(value: Any) -> Any:
    """Text for bytes, also in a list."""
    if isinstance(value, list):
        return [_decoded(v) for v in value]
    return value.decode() if isinstance(value, bytes) else value
