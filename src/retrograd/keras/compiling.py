"""What a model is compiled with: losses, metrics, an optimizer, and their steps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.name_scopes import name_scope
from retrograd.keras import endpoints, optimizers
from retrograd.keras.endpoints import Endpoint
from retrograd.keras.graph_function import GraphFunction
from retrograd.keras.mean_metrics import Mean
from retrograd.layers import phase
from retrograd.ops.math.elementwise import add_n

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.keras.model import Model
    from retrograd.typing import Named, Structure


class Compilation:
    """What `Model.compile` was given, and what was made of it.

    Args:
      model: the model.
      optimizer, loss, metrics, loss_weights, sample_weight_mode, weighted_metrics,
        target_tensors: see `Model.compile`.

    Attributes:
      endpoints: the outputs; known once the model's are.
      total_loss: the tensor that is minimized, in graphs.
      test_fetched: tensors that a step of a test has the value of as well, each with a
        function that it is given to.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Named,
        loss: Structure = None,
        metrics: Structure = None,
        loss_weights: Structure = None,
        sample_weight_mode: Structure = None,
        weighted_metrics: Structure = None,
        target_tensors: Structure = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss or {}
        self.given_metrics, self.given_weighted = metrics, weighted_metrics
        self.loss_weights, self.sample_weight_mode = loss_weights, sample_weight_mode
        self.target_tensors = target_tensors
        self.endpoints: list[Endpoint] = []
        self.total_loss: Any = None
        self.test_fetched: dict[Tensor, Callable[[Any], object]] = {}
        self._names: list[str] = []
        self._weighted: tuple[bool, ...] | None = None
        self._functions: dict[str, GraphFunction] = {}

    # ------------------------------------------------------------------ making

    def prepare(self, names: Sequence[str], outputs: Sequence[Any]) -> None:
        """Make losses and metrics for the outputs of the model.

        Args:
          names: of the outputs.
          outputs: their tensors; of a model that is run on values, symbols for them.
        """
        found = endpoints.loss_objects(self.loss, names)
        weights = endpoints.loss_weights(self.loss_weights, names)
        modes = self._modes(names)
        self.endpoints = [
            Endpoint(output, name, loss, weight, mode)
            for output, name, loss, weight, mode in zip(
                outputs, names, found, weights, modes, strict=True
            )
        ]
        if not context.executing_eagerly():
            with phase.keras_graph().as_default():
                targets = self._target_tensors()
                for endpoint, target in zip(self.endpoints, targets, strict=True):
                    endpoint.make_target(target)
        self._make_metrics(names)

    def _modes(self, names: Sequence[str]) -> list[str | None]:
        given: Any = self.sample_weight_mode
        if isinstance(given, dict):
            return [given.get(name) for name in names]
        if isinstance(given, (list, tuple)):
            return list(given)
        return [given] * len(names)

    def _make_metrics(self, names: Sequence[str]) -> None:
        plain = endpoints.metrics_by_output(self.given_metrics, names)
        weighted = endpoints.metrics_by_output(self.given_weighted, names)
        for endpoint, own, own_weighted in zip(
            self.endpoints, plain, weighted, strict=True
        ):
            if endpoint.loss is None:
                continue
            name = functools.partial(self._unique_name, endpoint)
            endpoint.metrics = endpoints.metric_objects(own, endpoint, False, name)
            endpoint.weighted_metrics = endpoints.metric_objects(
                own_weighted, endpoint, True, name
            )
            if len(self.endpoints) > 1:
                endpoint.loss_metric = Mean(name=endpoint.loss_name)

    def _unique_name(self, endpoint: Endpoint, name: str) -> str:
        """A metric's name in the model: with its output's, and a number if need be."""
        if len(self.endpoints) > 1:
            name = f"{endpoint.name}_{name}"
        found, number = name, 1
        while found in self._names:
            found, number = f"{name}_{number}", number + 1
        self._names.append(found)
        return found

    @property
    def metric_objects(self) -> list[Any]:
        """The metrics of the outputs, one output after another."""
        return [
            metric
            for e in self.endpoints
            for metric in (*e.metrics.values(), *e.weighted_metrics.values())
        ]

    @property
    def loss_metrics(self) -> list[Any]:
        """The means of the losses of several outputs."""
        return [e.loss_metric for e in self.endpoints if e.loss_metric is not None]

    # ------------------------------------------------------------------ computing

    def update_metrics(
        self,
        outputs: Sequence[Any],
        targets: Sequence[Any],
        weights: Sequence[Any],
        masks: Sequence[Any],
    ) -> None:
        """Take outputs into all metrics."""
        with name_scope("metrics"):
            for parts in zip(
                self.endpoints, outputs, targets, weights, masks, strict=True
            ):
                endpoint, *rest = parts
                if endpoint.loss is not None:
                    endpoint.update_metrics(*rest)

    def loss_of(
        self,
        outputs: Sequence[Any],
        targets: Sequence[Any],
        weights: Sequence[Any],
        masks: Sequence[Any],
        others: Sequence[Any],
    ) -> Any:
        """The total loss of outputs.

        Args:
          outputs, targets, weights, masks: of each endpoint.
          others: the losses that the model has besides.

        Raises:
          ValueError: there is no loss at all.
        """
        total: Any = None
        with name_scope("loss"):
            for parts in zip(
                self.endpoints, outputs, targets, weights, masks, strict=True
            ):
                endpoint, *rest = parts
                if endpoint.loss is None:
                    continue
                with name_scope(endpoint.loss_name):
                    loss = endpoint.loss_of(*rest)
                if endpoint.loss_metric is not None:
                    endpoint.loss_metric(loss)
                scaled = (1.0 if endpoint.weight is None else endpoint.weight) * loss
                total = scaled if total is None else total + scaled
            if total is None:
                if not others:
                    raise ValueError(
                        "The model cannot be compiled because it has no loss to "
                        "optimize."
                    )
                total = 0.0
            if others:
                total = total + add_n([nest.flatten(x)[0] for x in others])
        return total

    # ------------------------------------------------------------------ graphs

    def make_graph(self, weighted: Sequence[bool]) -> None:
        """Make targets, weights of samples, metrics and the total loss as tensors.

        Args:
          weighted: which outputs have weights of samples.
        """
        if self._weighted == tuple(weighted):
            return
        self._functions.clear()
        model, again = self.model, self._weighted is not None
        self._weighted = tuple(weighted)
        with phase.keras_graph().as_default():
            for endpoint, has_weight in zip(self.endpoints, weighted, strict=True):
                if has_weight and endpoint.sample_weight is None:
                    endpoint.make_sample_weight()
                elif not has_weight:
                    endpoint.sample_weight = None
            if again:
                for metric in (*self.metric_objects, *self.loss_metrics):
                    metric._updates.clear()
            parts = (
                [e.output for e in self.endpoints],
                [e.target for e in self.endpoints],
                [e.sample_weight for e in self.endpoints],
                [getattr(e.output, "_keras_mask", None) for e in self.endpoints],
            )
            self.update_metrics(*parts)
            others = model.get_losses_for(None) + model.get_losses_for(model.inputs)
            self.total_loss = self.loss_of(*parts, others=others)

    def _target_tensors(self) -> list[Any]:
        """The tensors that were given as targets.

        Raises:
          ValueError: they are not as many as outputs.
          TypeError: neither a list, nor a dict, nor a tensor.
        """
        given: Any = self.target_tensors
        names = [e.name for e in self.endpoints]
        if given is None or (isinstance(given, list) and not given):
            return [None] * len(names)
        if hasattr(given, "dtype"):
            given = [given]
        if isinstance(given, dict):
            unknown = sorted(set(given) - set(names))
            if unknown:
                raise ValueError(
                    "Unknown entry in `target_tensors` dictionary: "
                    f'"{unknown[0]}". Only expected the following keys: {names}'
                )
            return [given.get(name) for name in names]
        if isinstance(given, (list, tuple)):
            if len(given) != len(names):
                raise ValueError(
                    "When passing a list as `target_tensors`, it should have one entry "
                    f"per model output. The model has {len(names)} outputs, but you "
                    f"passed target_tensors={given}"
                )
            return list(given)
        raise TypeError(
            f"Expected `target_tensors` to be a list or dict, but got: {given}"
        )

    def results(self) -> list[Any]:
        """The metrics whose values a step gives, after the loss."""
        return [*self.loss_metrics, *self.model.metrics]

    def _metric_tensors(self) -> list[Tensor]:
        found = []
        for metric in self.results():
            result = getattr(metric, "_call_result", None)
            if result is not None:
                found.append(result)
        return found

    def _fed(self) -> list[Any]:
        """The tensors that a step feeds, in order."""
        fed = [e.target for e in self.endpoints if e.target_is_fed]
        fed += [e.sample_weight for e in self.endpoints if e.sample_weight is not None]
        return with_phase([*self.model._feed_inputs, *fed])

    def function(self, kind: str) -> GraphFunction:
        """The function of a `train` or `test` step."""
        found = self._functions.get(kind)
        if found is None:
            with phase.keras_graph().as_default():
                found = self._functions[kind] = getattr(self, f"_make_{kind}")()
        return found

    def _make_train(self) -> GraphFunction:
        model = self.model
        with name_scope("training"):
            updates = list(
                self.optimizer.get_updates(
                    params=model._collected_trainable_weights, loss=self.total_loss
                )
            )
            updates += model.get_updates_for(None)
            updates += model.get_updates_for(model.inputs)
        outputs = [self.total_loss, *self._metric_tensors()]
        updates += self._metric_updates()
        return GraphFunction(self._fed(), outputs, updates, "training")

    def _metric_updates(self) -> list[Any]:
        return [u for metric in self.results() for u in metric.updates]

    def _make_test(self) -> GraphFunction:
        updates = [*self.model.state_updates, *self._metric_updates()]
        outputs = [self.total_loss, *self._metric_tensors()]
        name = "evaluation"
        return GraphFunction(self._fed(), outputs, updates, name, self.test_fetched)


def with_phase(inputs: list[Any]) -> list[Any]:
    """Tensors to feed, and the learning phase unless the program has set it."""
    symbol = phase.learning_phase()
    return inputs if isinstance(symbol, int) else [*inputs, symbol]
