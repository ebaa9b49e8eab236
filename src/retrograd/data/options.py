"""`tf.data.Options`: how a dataset is run; what is in them has no influence on values.

One thing has: whether a dataset that is shuffled and then repeated is run as one.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

DEFAULT_PRIVATE_THREADPOOL_SIZE = 0


class OptionsBase:
    """Values by name; one that nobody has set is its default.

    A subclass lists `_fields`: the default and the type of each.
    """

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {}

    def __init__(self) -> None:
        object.__setattr__(self, "_options", {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._fields:
            raise AttributeError(name)
        default, _ = self._fields[name]
        options = self._options
        if name not in options:
            if isinstance(default, type):
                options[name] = default()
            else:
                return default
        return options[name]

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._fields:
            raise AttributeError(
                f"Cannot set the property {name} on {type(self).__name__}."
            )
        kind = self._fields[name][1]
        if not isinstance(value, kind):
            raise TypeError(
                f'Property "{name}" must be of type {kind!r}, got: {value!r} (type: '
                f"{type(value)!r})"
            )
        self._options[name] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(getattr(self, k) == getattr(other, k) for k in self._fields)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def merge(self, options: Any) -> Any:
        """These options and others, as new ones.

        Raises:
          TypeError: options of another kind.
          ValueError: both have set a value, and not the same.
        """
        return merged(self, options)


def merged(*options_list: OptionsBase) -> Any:
    """Several options of one kind as one; see `OptionsBase.merge`."""
    first = options_list[0]
    result = type(first)()
    for options in options_list:
        if not isinstance(options, type(first)):
            raise TypeError(
                f"Incompatible options type: {type(options)!r} vs {type(first)!r}"
            )
    for name in first._fields:
        for options in options_list:
            this, that = getattr(result, name), getattr(options, name)
            if that is None or this == that:
                continue
            if this is None:
                setattr(result, name, that)
            elif isinstance(this, OptionsBase):
                setattr(result, name, merged(this, that))
            elif name in result._options:
                raise ValueError(
                    f"Cannot merge incompatible values ({this!r} and {that!r}) of "
                    f"option: {name}"
                )
            else:
                setattr(result, name, that)
    return result


class AutotuneAlgorithm(enum.Enum):
    """How TensorFlow would tune parallelism."""

    HILL_CLIMB = 0
    GRADIENT_DESCENT = 1


_FLAG = (None, bool)


class MapVectorizationOptions(OptionsBase):
    """Options of the rewriting of maps: taken, without effect."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "enabled": _FLAG,
        "use_choose_fastest": _FLAG,
    }

    def _static_optimizations(self) -> list[str]:
        return ["map_vectorization"] if self.enabled else []


class OptimizationOptions(OptionsBase):
    """What may be done to a dataset to make it faster."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "apply_default_optimizations": _FLAG,
        "autotune": _FLAG,
        "autotune_algorithm": (None, AutotuneAlgorithm),
        "autotune_buffers": _FLAG,
        "autotune_cpu_budget": (None, int),
        "filter_fusion": _FLAG,
        "filter_with_random_uniform_fusion": _FLAG,
        "hoist_random_uniform": _FLAG,
        "map_and_batch_fusion": _FLAG,
        "map_and_filter_fusion": _FLAG,
        "map_fusion": _FLAG,
        "map_parallelization": _FLAG,
        "map_vectorization": (MapVectorizationOptions, MapVectorizationOptions),
        "noop_elimination": _FLAG,
        "parallel_batch": _FLAG,
        "shuffle_and_repeat_fusion": _FLAG,
    }
    _by_default = (
        "map_and_batch_fusion",
        "noop_elimination",
        "shuffle_and_repeat_fusion",
    )

    def _static_optimizations(self) -> list[str]:
        chosen = {
            name
            for name, (_, kind) in self._fields.items()
            if kind is bool
            and not name.startswith(("autotune", "apply"))
            and getattr(self, name)
        }
        if self.apply_default_optimizations is not False:
            chosen.update(n for n in self._by_default if getattr(self, n) is not False)
        chosen.update(self.map_vectorization._static_optimizations())
        if self.autotune_buffers and self.autotune is not False:
            chosen.add("inject_prefetch")
        return sorted(chosen)


class ThreadingOptions(OptionsBase):
    """How many threads a dataset may have: taken, without effect."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "max_intra_op_parallelism": (None, int),
        "private_threadpool_size": (None, int),
    }


class DistributeOptions(OptionsBase):
    """How a dataset is shared out between workers."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "auto_shard": (True, bool),
        "_make_stateless": _FLAG,
        "num_devices": (None, int),
    }


class StatsOptions(OptionsBase):
    """Where the statistics of a dataset are gathered."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "aggregator": (None, object),
        "prefix": ("", str),
        "counter_prefix": ("", str),
        "latency_all_edges": _FLAG,
    }
    aggregator: Any
    prefix: str
    counter_prefix: str


class Options(OptionsBase):
    """How a dataset is run."""

    _fields: ClassVar[dict[str, tuple[Any, Any]]] = {
        "experimental_deterministic": _FLAG,
        "experimental_distribute": (DistributeOptions, DistributeOptions),
        "experimental_optimization": (OptimizationOptions, OptimizationOptions),
        "experimental_slack": _FLAG,
        "experimental_stats": (StatsOptions, StatsOptions),
        "experimental_stateful_whitelist": (None, list),
        "experimental_threading": (ThreadingOptions, ThreadingOptions),
    }

    def _static_optimizations(self) -> list[str]:
        found = list(self.experimental_optimization._static_optimizations())
        if self.experimental_slack:
            found.append("slack")
        if self.experimental_deterministic is False:
            found.append("make_sloppy")
        if self.experimental_stats.latency_all_edges:
            found.append("latency_all_edges")
        return sorted(set(found))

    def _autotune(self) -> tuple[bool, int, int]:
        """Whether parallelism is tuned, by which algorithm, for how many processors."""
        wanted = self.experimental_optimization
        algorithm = wanted.autotune_algorithm or AutotuneAlgorithm.HILL_CLIMB
        budget = wanted.autotune_cpu_budget or 0
        return wanted.autotune is not False, algorithm.value, budget
