"""`tf.test.Benchmark`: timing methods, run by `tf.test.main` under `--benchmarks=`."""

from __future__ import annotations

import inspect
import numbers
import os
import re
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import retrograd as tf

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import OperationLike, Structure

REPORT_PREFIX = "TEST_REPORT_FILE_PREFIX"  # environment: write reports to files
registry: list[type[Benchmark]] = []


class Benchmark:
    """Base class of benchmarks; its subclasses register themselves.

    Methods whose names start with `benchmark` run when the program is started with
    `--benchmarks=REGEX` (or `--benchmarks=all`) and the regular expression matches
    `module.Class.method`.
    """

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        registry.append(cls)

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether this is the base class itself."""
        return cls is Benchmark

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: list[dict[str, Any]] | None = None,
    ) -> None:
        """Print a benchmark's result, or append it to a file.

        The entry is text of TensorFlow's BenchmarkEntries message.  It goes to the
        file `$TEST_REPORT_FILE_PREFIX` + name where that variable is set.  `extras`
        are numbers or strings by name; each of `metrics` has 'name', 'value' and
        perhaps 'min_value' and 'max_value'.

        Raises:
          TypeError: `extras` is no dict, `metrics` no list of such dicts.
          OSError: the file exists.
        """
        name = f"{type(self).__name__}.{name or self._running_method()}"
        fields = {
            "name": name,
            "iters": iters,
            "cpu_time": cpu_time,
            "wall_time": wall_time,
            "throughput": throughput,
        }
        lines = [
            f"  {field}: {_literal(value)}"
            for field, value in fields.items()
            if value is not None
        ]
        text = "entry {\n" + "\n".join(lines) + "\n"
        text += _extras_text(extras) + _metrics_text(metrics) + "}\n"
        prefix = os.environ.get(REPORT_PREFIX)
        if prefix is None:
            print(text)
            return
        path = Path(prefix + name.replace("/", "__"))
        if path.exists():
            raise OSError(f"File already exists: {path}")
        path.write_text(text)

    def run_op_benchmark(
        self,
        sess: BaseSession,
        op_or_tensor: OperationLike,
        feed_dict: dict[Any, Any] | None = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        store_trace: bool = False,
        store_memory_usage: bool = True,
        name: str | None = None,
        extras: dict[str, Any] | None = None,
        mbs: float = 0,
    ) -> dict[str, Any]:
        """Time `sess.run(op_or_tensor)`, report the median and return the report.

        Args:
          burn_iters: runs before the timed ones.
          min_iters: timed runs.
          store_trace, store_memory_usage: accepted; the engine keeps no step trace.
          mbs: megabytes that one run moves, for the throughput.
        """
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        seconds = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            seconds.append(time.perf_counter() - start)
        median = statistics.median(seconds) if seconds else -1.0
        values = {
            "iters": min_iters,
            "wall_time": median,
            "extras": extras if extras is not None else {},
            "name": name,
            "throughput": mbs / median,
        }
        self.report_benchmark(**values)
        return values

    def evaluate(self, tensors: Structure) -> Any:
        """The values of a structure of tensors, in the default session."""
        return tf.get_default_session().run(tensors)

    def _running_method(self) -> str:
        """The outermost method of this benchmark on the stack."""
        for frame in reversed(inspect.stack()):
            if frame.frame.f_locals.get("self") is self:
                return frame.function
        raise ValueError("Unable to determine calling Benchmark class.")


def benchmark_config() -> Any:
    """A ConfigProto for benchmarks: nothing in it is optimized away."""
    config = tf.ConfigProto()
    rewriter = config.graph_options.rewrite_options
    rewriter.dependency_optimization = rewriter.OFF
    return config


def run_benchmarks(pattern: str) -> None:
    """Run the benchmark methods whose full name matches `pattern`, or 'all'."""
    for cls in registry:
        methods = [
            name
            for name in dir(cls)
            if name.startswith("benchmark")
            and callable(getattr(cls, name))
            and (
                pattern == "all"
                or re.search(pattern, f"{cls.__module__}.{cls.__name__}.{name}")
            )
        ]
        instance = cls() if methods else None
        for name in methods:
            getattr(instance, name)()


def _literal(value: object) -> str:
    if isinstance(value, numbers.Number):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _extras_text(extras: dict[str, Any] | None) -> str:
    if extras is not None and not isinstance(extras, dict):
        raise TypeError("extras must be a dict")
    text = ""
    for key, value in (extras or {}).items():
        kind = "double_value" if isinstance(value, numbers.Number) else "string_value"
        text += f"  extras {{\n    key: {_literal(key)}\n    value {{\n"
        text += f"      {kind}: {_literal(value)}\n    }}\n  }}\n"
    return text


def _metrics_text(metrics: list[dict[str, Any]] | None) -> str:
    if metrics is not None and not isinstance(metrics, list):
        raise TypeError("metrics must be a list")
    text = ""
    for metric in metrics or []:
        for needed in ("name", "value"):
            if needed not in metric:
                raise TypeError(f"metric must has a '{needed}' field")
        text += f"  metrics {{\n    name: {_literal(metric['name'])}\n"
        text += f"    value: {metric['value']}\n"
        for bound in ("min_value", "max_value"):
            if bound in metric:
                text += f"    {bound} {{\n      value: {metric[bound]}\n    }}\n"
        text += "  }\n"
    return text
