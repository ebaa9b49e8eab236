"""What a conversion is asked for."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any


@enum.unique
class Feature(enum.Enum):
    """Conversions that have to be asked for, or stand for all of them.

    Example:
      `tf.function(f, experimental_autograph_options=Feature.LISTS)`
    """

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        """All of them."""
        return tuple(cls.__members__.values())

    @classmethod
    def all_but(cls, exclude: Feature | Iterable[Feature]) -> tuple[Feature, ...]:
        """All but some."""
        left_out = {cls.ALL, *_several(exclude)}
        return tuple(feature for feature in cls.all() if feature not in left_out)


def _several(features: Any) -> tuple[Feature, ...]:
    if features is None:
        return ()
    return (features,) if isinstance(features, Feature) else tuple(features)


class ConversionOptions:
    """How a function is converted; equal ones can share a conversion.

    Args:
      recursive: whether functions that it calls are converted too.
      user_requested: whether the program asked for this very function.
      internal_convert_user_code: whether functions of the program are converted.
      optional_features: a Feature, some, or None.
    """

    def __init__(
        self,
        recursive: bool = False,
        user_requested: bool = False,
        internal_convert_user_code: bool = True,
        optional_features: Feature | Iterable[Feature] | None = Feature.ALL,
    ) -> None:
        self.recursive = recursive
        self.user_requested = user_requested
        self.internal_convert_user_code = internal_convert_user_code
        self.optional_features = frozenset(_several(optional_features))

    def as_tuple(self) -> tuple[Any, ...]:
        """What two equal options have in common."""
        return (
            self.recursive,
            self.user_requested,
            self.internal_convert_user_code,
            self.optional_features,
        )

    def __hash__(self) -> int:
        return hash(self.as_tuple())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConversionOptions) and self.as_tuple() == other.as_tuple()
        )

    def __repr__(self) -> str:
        return str(self.as_tuple())

    def uses(self, feature: Feature) -> bool:
        """Whether a feature is asked for."""
        asked = self.optional_features
        return feature in asked or Feature.ALL in asked

    def call_options(self) -> ConversionOptions:
        """The options for functions that the converted one calls."""
        return ConversionOptions(
            recursive=self.recursive,
            user_requested=False,
            internal_convert_user_code=self.recursive,
            optional_features=self.optional_features,
        )


#: what functions are converted with that nobody asked for by name
STANDARD = ConversionOptions(recursive=True, optional_features=None)
