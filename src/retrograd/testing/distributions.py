"""Tests run with one strategy for several devices after the other.

@combinations.generate(combinations.combine(distribution=strategies_minus_tpu))
def testSum(self, distribution): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retrograd.run.configuration import list_logical_devices
from retrograd.testing import combinations
from retrograd.testing.combinations import (
    Combination,
    NamedObject,
    OptionalParameter,
    ParameterModifier,
    TestCombination,
    combine,
    times,
)


class NamedDistribution:
    """A strategy that is made when a test needs it.

    Args:
      name: its part of the test's name.
      distribution_fn: makes it.
      required_gpus: how many GPUs it needs, or None.
      required_tpu: whether it needs a TPU.
    """

    def __init__(
        self,
        name: str,
        distribution_fn: Callable[[], Any],
        required_gpus: int | None = None,
        required_tpu: bool = False,
    ) -> None:
        self._name = name
        self._distribution_fn = distribution_fn
        self.required_gpus = required_gpus
        self.required_tpu = required_tpu

    @property
    def strategy(self) -> Any:
        """The strategy, made anew."""
        return self._distribution_fn()

    def __repr__(self) -> str:
        return self._name


class DistributionParameter(ParameterModifier):
    """Gives a test the strategy for its NamedDistribution."""

    def modified_arguments(
        self, kwargs: Combination, requested_parameters: Sequence[str]
    ) -> Combination:
        """See `ParameterModifier`."""
        del requested_parameters
        return {
            key: value.strategy
            for key, value in kwargs.items()
            if isinstance(value, NamedDistribution)
        }


def _distributions(kwargs: Combination) -> list[NamedDistribution]:
    return [v for v in kwargs.values() if isinstance(v, NamedDistribution)]


class GPUCombination(TestCombination):
    """Skips tests that need more GPUs than ops can be placed on."""

    def should_execute_combination(
        self, kwargs: Combination
    ) -> tuple[bool, str | None]:
        """See `TestCombination`."""
        found, asked = _distributions(kwargs), kwargs.get("required_gpus")
        if found and asked:
            raise ValueError(
                "Do not use `required_gpus` and arguments of type NamedDistribution "
                "together."
            )
        needed = max([asked or 0, *(d.required_gpus or 0 for d in found)])
        there = len(list_logical_devices("GPU"))
        if there < needed:
            return False, f"Only {there} of {needed} required GPUs are available."
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """See `TestCombination`."""
        return [DistributionParameter(), OptionalParameter("required_gpus")]


class TPUCombination(TestCombination):
    """Skips tests that need a TPU."""

    def should_execute_combination(
        self, kwargs: Combination
    ) -> tuple[bool, str | None]:
        """See `TestCombination`."""
        asked = [kwargs.get(name) for name in ("required_tpus", "required_tpu")]
        if all(asked):
            raise ValueError(
                "Do not use `required_tpu`.  Both `required_tpus` and `required_tpu` "
                "were specified."
            )
        if any(asked) or any(d.required_tpu for d in _distributions(kwargs)):
            return False, "Test requires a TPU, but it's not available."
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """See `TestCombination`."""
        return [OptionalParameter("required_tpus"), OptionalParameter("required_tpu")]


def generate(
    combinations_: Iterable[Combination],
    test_combinations: Sequence[TestCombination] = (
        combinations.EagerGraphCombination(),
        combinations.TFVersionCombination(),
        GPUCombination(),
        TPUCombination(),
    ),
) -> Callable[[Any], Any]:
    """As `combinations.generate`; a NamedDistribution becomes its strategy."""
    return combinations.generate_with(combinations_, test_combinations)


__all__ = [
    "DistributionParameter",
    "GPUCombination",
    "NamedDistribution",
    "NamedObject",
    "TPUCombination",
    "combine",
    "generate",
    "times",
]
