"""The outputs of a compiled model: what each is compared with, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import is_sparse
from retrograd.graph.name_scopes import name_scope
from retrograd.keras import losses, metrics
from retrograd.keras.losses import Loss, LossFunctionWrapper, ReductionV2
from retrograd.keras.metric import clone_metric
from retrograd.layers.nodes import int_shape
from retrograd.ops.array.constant import (
    constant,
    placeholder,
    placeholder_with_default,
    sparse_placeholder,
)
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.keras.metrics import Metric
    from retrograd.typing import Named, Structure

_ACCURACY = ("accuracy", "acc")
_CROSS_ENTROPY = ("crossentropy", "ce")


class Endpoint:
    """An output of a model.

    Args:
      output: the tensor; None where it is only known when the model runs.
      name: that of its layer.
      loss: what compares it with its target, or None.
      weight: of its loss in the total.
      mode: `temporal` where each step of a sample has a weight.

    Attributes:
      target: the tensor that its target is fed to, or None.
      sample_weight: the one for the weights of samples, or None.
      metrics, weighted_metrics: by name.
      loss_metric: the mean of its loss, where there are several outputs.
    """

    def __init__(
        self,
        output: Any,
        name: str,
        loss: Loss | None,
        weight: float | None = None,
        mode: str | None = None,
    ) -> None:
        self.output, self.name, self.loss = output, name, loss
        self.weight, self.mode = weight, mode
        self.target: Any = None
        self.target_is_fed = False
        self.sample_weight: Any = None
        self.metrics: dict[str, Metric] = {}
        self.weighted_metrics: dict[str, Metric] = {}
        self.loss_metric: Metric | None = None

    @property
    def loss_name(self) -> str:
        """The name of its loss among the metrics."""
        return f"{self.name}_loss"

    @property
    def function_name(self) -> str:
        """The name of its loss function, empty without one."""
        fn = getattr(self.loss, "fn", None)
        if fn is not None:
            return getattr(fn, "__name__", "")
        return "" if self.loss is None else type(self.loss).__name__

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """The static shape of the output."""
        return int_shape(self.output)

    @property
    def target_shape(self) -> tuple[int | None, ...] | None:
        """The shape that targets must have, None where the loss may take others."""
        fn = getattr(self.loss, "fn", None)
        if self.function_name == "sparse_categorical_crossentropy":
            shape = self.shape
            return None if shape is None else (*shape[:-1], 1)
        known = fn is None or getattr(losses, self.function_name, None) is fn
        if type(self.loss).__module__ != losses.__name__ or not known:
            return None
        return self.shape

    def make_target(self, given: Any = None) -> None:
        """The tensor that is compared with the output: one that is given, or fed."""
        if self.loss is None:
            return
        if given is not None:
            self.target = given
            return
        kind = dtypes.as_dtype(self.output.dtype).base_dtype
        if self.function_name == "sparse_categorical_crossentropy":
            kind = dtypes.float32
        rank = self.output.shape.ndims
        sizes = None if rank is None else [None] * rank
        make = sparse_placeholder if is_sparse(self.output) else placeholder
        self.target = make(kind, sizes, name=f"{self.name}_target")
        self.target_is_fed = True

    def make_sample_weight(self) -> None:
        """The tensor that weights of samples are fed to; 1 where none are fed."""
        default, sizes = ([[1.0]], [None, None]) if self.mode else ([1.0], [None])
        self.sample_weight = placeholder_with_default(
            constant(np.asarray(default, self.output.dtype.as_numpy_dtype)),
            shape=sizes,
            name=f"{self.name}_sample_weights",
        )

    # ------------------------------------------------------------------ computing

    def loss_of(self, output: Any, target: Any, weight: Any, mask: Any) -> Any:
        """The loss of an output, one number; whether it counts is for the caller."""
        assert self.loss is not None
        if mask is not None:
            weight = _masked(weight, mask, output.dtype)
        reduction = getattr(self.loss, "reduction", ReductionV2.SUM_OVER_BATCH_SIZE)
        if not hasattr(self.loss, "reduction"):
            return self.loss(target, output, sample_weight=weight)
        each = self.loss.call(target, output)
        each = losses.compute_weighted_loss(
            each, sample_weight=weight, reduction=ReductionV2.NONE
        )
        if reduction == ReductionV2.AUTO:
            reduction = ReductionV2.SUM_OVER_BATCH_SIZE
        found = losses.reduce_weighted_loss(each, reduction)
        if reduction == ReductionV2.NONE:
            found = losses.reduce_weighted_loss(found)
        return found

    def update_metrics(self, output: Any, target: Any, weight: Any, mask: Any) -> None:
        """Take an output into the metrics of this endpoint."""
        for found, weighted in ((self.metrics, False), (self.weighted_metrics, True)):
            for name, metric in found.items():
                of_samples = weight if weighted else None
                if mask is not None:
                    of_samples = _masked(of_samples, mask, output.dtype)
                with name_scope(_scope(name)):
                    metric(target, output, sample_weight=of_samples)


def _scope(name: str) -> str:
    return "lambda" if name == "<lambda>" else name


def _masked(weight: Any, mask: Any, dtype: Any) -> Any:
    """Weights of samples, 0 where a mask says so."""
    mask = cast(mask, dtype)
    if weight is None:
        return mask
    mask, _, weight = losses.squeeze_or_expand_dimensions(mask, None, weight)
    return weight * mask


# ------------------------------------------------------------------------------ losses


def loss_object(loss: Named) -> Loss | None:
    """The loss that a program means: by an object, a function or a name."""
    if loss is None or isinstance(loss, Loss):
        return loss
    found: Any = losses.get(loss)
    if isinstance(found, Loss) or not callable(found):
        return found
    if isinstance(found, type):
        return found()
    name = getattr(found, "__name__", type(found).__name__)
    return LossFunctionWrapper(
        found, name=name, reduction=ReductionV2.SUM_OVER_BATCH_SIZE
    )


def loss_objects(loss: Structure, names: Sequence[str]) -> list[Loss | None]:
    """The loss of each output.

    Args:
      loss: one for all outputs, a list, or a dict by name.
      names: of the outputs.

    Raises:
      ValueError: a list of another length, or names of no output.
    """
    if isinstance(loss, Mapping):
        _check_names("loss", loss, names)
        for name in names:
            if loss and name not in loss:
                _warn_missing(name)
        return [loss_object(loss.get(name)) for name in names]
    if isinstance(loss, (list, tuple)):
        if len(loss) != len(names):
            raise ValueError(
                "When passing a list as loss, it should have one entry per model "
                f"outputs. The model has {len(names)} outputs, but you passed "
                f"loss={loss}"
            )
        return [loss_object(item) for item in loss]
    return [loss_object(loss) for _ in names]


def _warn_missing(name: str) -> None:
    import logging

    logging.getLogger("tensorflow").warning(
        "Output %s missing from loss dictionary. We assume this was done on purpose. "
        "The fit and evaluate APIs will not be expecting any data to be passed to %s.",
        name,
        name,
    )


def _check_names(called: str, given: Mapping[str, Any], names: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(
            f"Unknown entries in {called} dictionary: {unknown}. Only expected "
            f"following keys: {list(names)}"
        )


def loss_weights(given: Any, names: Sequence[str]) -> list[float | None]:
    """The weight of each output's loss.

    Raises:
      ValueError: a list of another length, or names of no output.
      TypeError: neither a list nor a dict.
    """
    if given is None:
        return [None] * len(names)
    if isinstance(given, Mapping):
        _check_names("loss_weights", given, names)
        return [given.get(name, 1.0) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                "When passing a list as loss_weights, it should have one entry per "
                f"model output. The model has {len(names)} outputs, but you passed "
                f"loss_weights={given}"
            )
        return list(given)
    raise TypeError(
        f"Could not interpret loss_weights argument: {given} - expected a list of "
        "dicts."
    )


# ----------------------------------------------------------------------------- metrics


def metrics_by_output(given: Any, names: Sequence[str]) -> list[list[Any]]:
    """What is measured of each output.

    Args:
      given: a list for all outputs, a list of lists, or a dict by name.
      names: of the outputs.

    Raises:
      ValueError: a list of lists of another length, or names of no output.
      TypeError: neither a list nor a dict.
    """
    if not given:
        return [[] for _ in names]
    if isinstance(given, (list, tuple)):
        if any(isinstance(item, (list, tuple)) for item in given):
            if len(given) != len(names):
                raise ValueError(
                    "When passing a list of lists as `metrics`, it should have one "
                    f"entry per model output. The model has {len(names)} outputs, but "
                    f"you passed metrics={given}"
                )
            return [_as_list(item) for item in given]
        if len(names) == 1:
            return [list(given)]
        return [[clone_metric(item) for item in given] for _ in names]
    if isinstance(given, Mapping):
        _check_names("metrics", given, names)
        return [_as_list(given.get(name, [])) for name in names]
    raise TypeError(
        "Type of `metrics` argument not understood. Expected a list or dictionary, "
        f"found: {given}"
    )


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def metric_objects(
    given: Sequence[Any], endpoint: Endpoint, weighted: bool, name: Callable[[str], str]
) -> dict[str, Metric]:
    """The metrics of an output by their names.

    Args:
      given: names, functions or metrics.
      endpoint: the output.
      weighted: whether samples have weights.
      name: makes a name of a metric that of the model's.
    """
    by_name = {_metric_name(metric, weighted): metric for metric in given}
    shape = endpoint.shape if endpoint.output is not None else None
    found: dict[str, Metric] = {}
    for called, metric in by_name.items():
        function = _metric_function(metric, shape, endpoint)
        if isinstance(function, type):
            function = function()
        if isinstance(function, metrics.Metric):
            function._name = name(function.name)
            found[called] = function
        else:
            found[called] = metrics.MeanMetricWrapper(function, name=name(called))
    return found


def _metric_name(metric: Any, weighted: bool) -> str:
    """What 1.15 calls a metric; `acc` for `accuracy`."""
    if metric in _ACCURACY or metric in _CROSS_ENTROPY:
        short = "acc" if metric in _ACCURACY else "ce"
        return f"weighted_{short}" if weighted else short
    function = metrics.get(metric)
    called = getattr(function, "name", None) or getattr(function, "__name__", None)
    called = called or type(function).__name__
    return f"weighted_{called}" if weighted and isinstance(metric, str) else called


def _metric_function(metric: Any, shape: Any, endpoint: Endpoint) -> Any:
    """What computes a metric; `accuracy` depends on the loss and the shape."""
    if metric not in _ACCURACY and metric not in _CROSS_ENTROPY:
        return metrics.get(metric)
    loss = endpoint.function_name
    sparse = loss in (
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
    )
    binary = loss in ("binary_crossentropy", "BinaryCrossentropy")
    if metric in _CROSS_ENTROPY:
        if (shape is not None and shape[-1] == 1) or binary:
            return metrics.binary_crossentropy
        if sparse:
            return metrics.sparse_categorical_crossentropy
        return metrics.categorical_crossentropy
    if (shape is not None and shape[-1] == 1) or binary:
        return metrics.binary_accuracy
    if sparse:
        return metrics.sparse_categorical_accuracy
    return metrics.categorical_accuracy
