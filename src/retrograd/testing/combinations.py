"""Tests run once for each combination of values of their parameters.

@combinations.generate(combinations.combine(mode=["graph", "eager"], size=[1, 2]))
def testOptimizer(self, size): ...
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retrograd import behavior
from retrograd.graph import context
from retrograd.graph.graph import Graph

Combination = dict[str, Any]
#: what a parameter is that decides how a test runs and that the test need not take
_DROP = object()


class ParameterModifier:
    """Changes the arguments of a test before it is called."""

    DO_NOT_PASS_TO_THE_TEST = _DROP

    def __init__(self, parameter_name: str | None = None) -> None:
        self._parameter_name = parameter_name

    def modified_arguments(
        self, kwargs: Combination, requested_parameters: Sequence[str]
    ) -> Combination:
        """Arguments to replace; DO_NOT_PASS_TO_THE_TEST leaves one out."""
        del kwargs, requested_parameters
        return {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self._parameter_name))


class OptionalParameter(ParameterModifier):
    """A parameter that a test need not take."""

    def modified_arguments(
        self, kwargs: Combination, requested_parameters: Sequence[str]
    ) -> Combination:
        """See `ParameterModifier`."""
        name = self._parameter_name
        if name is None or name in requested_parameters:
            return {}
        return {name: _DROP}


class TestCombination:
    """Decides how, and whether, combinations run; the base class changes nothing."""

    __test__ = False

    def should_execute_combination(
        self, kwargs: Combination
    ) -> tuple[bool, str | None]:
        """Whether a test runs with these arguments, and if not, why."""
        del kwargs
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """What changes the arguments."""
        return []

    def context_managers(self, kwargs: Combination) -> list[Any]:
        """The contexts that a test runs in."""
        del kwargs
        return []


class EagerGraphCombination(TestCombination):
    """The parameter `mode`: "graph", the default, or "eager"."""

    def context_managers(self, kwargs: Combination) -> list[Any]:
        """See `TestCombination`."""
        mode = kwargs.get("mode", "graph")
        if mode == "eager":
            return [context.eager_mode()]
        if mode == "graph":
            graph = Graph()
            return [graph.as_default(), context.graph_mode()]
        raise ValueError(f"'mode' has to be either 'eager' or 'graph' and not {mode}")

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """See `TestCombination`."""
        return [OptionalParameter("mode")]


class TFVersionCombination(TestCombination):
    """The parameter `tf_api_version`: 1 or 2, skipped where the other is on."""

    def should_execute_combination(
        self, kwargs: Combination
    ) -> tuple[bool, str | None]:
        """See `TestCombination`."""
        wanted = kwargs.get("tf_api_version")
        if wanted == 1 and behavior.enabled():
            return False, "Skipping a TF1.x test when TF2 is enabled."
        if wanted == 2 and not behavior.enabled():
            return False, "Skipping a TF2 test when TF2 is not enabled."
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """See `TestCombination`."""
        return [OptionalParameter("tf_api_version")]


class NamedObject:
    """An object with a name that reads well as part of a test's name."""

    def __init__(self, name: str, obj: Any) -> None:
        self._name = name
        self._obj = obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._obj(*args, **kwargs)

    def __repr__(self) -> str:
        return self._name


def combine(**kwargs: Any) -> list[Combination]:
    """All combinations of one value of each list; what is no list is the only value."""
    names = sorted(kwargs)
    values = [kwargs[n] if isinstance(kwargs[n], list) else [kwargs[n]] for n in names]
    return [
        dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)
    ]


def times(*combined: list[Combination]) -> list[Combination]:
    """Every combination of the first list joined with every one of the others.

    Raises:
      ValueError: two lists have a parameter in common.
    """
    made: list[Combination] = []
    for parts in itertools.product(*combined):
        joined: Combination = {}
        for part in parts:
            if joined.keys() & part.keys():
                raise ValueError(
                    f"Keys need to not overlap: {joined.keys()} vs {part.keys()}"
                )
            joined.update(part)
        made.append(joined)
    return made


def generate_with(
    combinations: Iterable[Combination],
    test_combinations: Sequence[TestCombination] = (),
) -> Callable[[Any], Any]:
    """A decorator that runs a test, or every test of a class, for each combination."""
    named = [
        {**combination, "testcase_name": f"_test{_name(combination)}"}
        for combination in combinations
    ]

    def decorate(test: Any) -> Any:
        from absl.testing import parameterized

        if not isinstance(test, type):
            runner = _runner(test, test_combinations)
            return parameterized.named_parameters(*named)(runner)
        for name, method in list(vars(test).items()):
            if name.startswith("test") and inspect.isfunction(method):
                delattr(test, name)
                for case in named:
                    arguments = {k: v for k, v in case.items() if k != "testcase_name"}
                    bound = functools.partialmethod(
                        _runner(method, test_combinations), **arguments
                    )
                    setattr(test, name + case["testcase_name"], bound)
        return test

    return decorate


def generate(
    combinations: Iterable[Combination],
    test_combinations: Sequence[TestCombination] = (
        EagerGraphCombination(),
        TFVersionCombination(),
    ),
) -> Callable[[Any], Any]:
    """As `generate_with`; `mode` and `tf_api_version` decide how a test runs."""
    return generate_with(combinations, test_combinations)


def _name(combination: Combination) -> str:
    """The part of a test's name that tells its combination."""
    parts = []
    for i, (key, value) in enumerate(combination.items()):
        text = re.sub("0[xX][0-9a-fA-F]+", str(i), str(value))
        parts.append(f"_{_alphanumeric(key)}_{_alphanumeric(text)}")
    return "".join(parts)


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _runner(test: Callable[..., Any], combinations: Sequence[Any]) -> Any:
    """The test as something to call with all parameters of a combination."""
    wanted = list(inspect.signature(test).parameters)

    def run(self: Any, **kwargs: object) -> None:
        verdicts = [c.should_execute_combination(dict(kwargs)) for c in combinations]
        reasons = [f" - {why}" for runs, why in verdicts if not runs]
        if reasons:
            self.skipTest("\n".join(reasons))
        arguments = dict(kwargs)
        for modifier in {m for c in combinations for m in c.parameter_modifiers()}:
            arguments.update(modifier.modified_arguments(dict(kwargs), wanted))
        arguments = {k: v for k, v in arguments.items() if v is not _DROP}
        _check({"self", *arguments}, set(wanted))
        with contextlib.ExitStack() as stack:
            for combination in combinations:
                for manager in combination.context_managers(dict(kwargs)):
                    stack.enter_context(manager)
            test(self, **arguments)

    return run


def _check(given: set[str], wanted: set[str]) -> None:
    if wanted - given:
        raise ValueError(
            "The test requires parameters whose arguments were not passed: "
            f"{wanted - given} ."
        )
    if given - wanted:
        raise ValueError(
            f"The test does not take parameters that were passed : {given - wanted} ."
        )
