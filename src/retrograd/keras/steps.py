"""One step of training, testing or predicting: in a graph, or with values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.functions.def_function import function
from retrograd.grad.tape import GradientTape
from retrograd.graph.convert import convert_to_tensor
from retrograd.keras.compiling import with_phase
from retrograd.keras.graph_function import GraphFunction
from retrograd.layers import phase
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.keras.compiling import Compilation
    from retrograd.keras.model import Model

Values = Sequence[Any]


class GraphSteps:
    """The steps of a model in a graph."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._predict: GraphFunction | None = None

    def _compiled(self) -> Compilation:
        compilation = self.model._compilation
        assert compilation is not None
        return compilation

    def _feed(self, values: Values, training: bool, inputs: Values) -> list[Any]:
        """The values to feed, with the learning phase if it is fed."""
        with_learning_phase = len(inputs) > len(values)
        return [*values, training] if with_learning_phase else list(values)

    def _run(self, kind: str, x: Values, y: Values, weights: Values) -> list[Any]:
        compilation = self._compiled()
        compilation.make_graph([w is not None for w in weights])
        run = compilation.function(kind)
        fed = [
            value
            for e, value in zip(compilation.endpoints, y, strict=True)
            if e.target_is_fed
        ]
        given = [w for w in weights if w is not None]
        values = [*x, *fed, *given]
        return run(self._feed(values, kind == "train", run.inputs))

    def train(self, x: Values, y: Values, weights: Values) -> list[Any]:
        """The loss and the metrics of a batch, from which the model learns."""
        return self._run("train", x, y, weights)

    def test(self, x: Values, y: Values, weights: Values) -> list[Any]:
        """The loss and the metrics of a batch."""
        return self._run("test", x, y, weights)

    def predict(self, x: Values) -> list[Any]:
        """The outputs of the model for a batch."""
        if self._predict is None:
            model = self.model
            with phase.keras_graph().as_default():
                self._predict = GraphFunction(
                    with_phase(list(model._feed_inputs)),
                    model.outputs,
                    model.state_updates,
                    "predict",
                )
        return self._predict(self._feed(list(x), False, self._predict.inputs))


class EagerSteps:
    """The steps of a model with values: traced once, unless it must run at once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        wrap = (lambda f: f) if model.run_eagerly else function
        self._train, self._test = wrap(self._train_step), wrap(self._test_step)
        self._predict = wrap(self._predict_step)

    def _call(self, x: Values, training: bool) -> list[Any]:
        model = self.model
        arguments = {"training": training} if model._expects("training") else {}
        packed = model._packed_inputs(x)
        with phase.eager_learning_phase_scope(int(training)):
            return nest.flatten(model(packed, **arguments))

    def _loss(self, x: Values, y: Values, weights: Values, training: bool) -> Any:
        compilation = self.model._compilation
        assert compilation is not None
        outputs = self._call(x, training)
        masks = [getattr(o, "_keras_mask", None) for o in outputs]
        y = [_like(target, output) for target, output in zip(y, outputs, strict=True)]
        compilation.update_metrics(outputs, y, weights, masks)
        return compilation.loss_of(outputs, y, weights, masks, self.model.losses)

    def _results(self, loss: Any) -> list[Any]:
        compilation = self.model._compilation
        assert compilation is not None
        return [loss, *(metric.result() for metric in compilation.results())]

    def _train_step(self, x: Values, y: Values, weights: Values) -> list[Any]:
        model, optimizer = self.model, self.model.optimizer
        with GradientTape() as tape:
            loss = self._loss(x, y, weights, training=True)
            scaled = loss
            if hasattr(optimizer, "get_scaled_loss"):
                scaled = optimizer.get_scaled_loss(loss)
        variables = model._unique_trainable_weights
        if variables:
            slopes = tape.gradient(scaled, variables)
            if hasattr(optimizer, "get_unscaled_gradients"):
                slopes = optimizer.get_unscaled_gradients(slopes)
            if hasattr(optimizer, "_clipped"):
                slopes = optimizer._clipped(slopes)
            pairs = list(zip(slopes, variables, strict=True))
            optimizer.apply_gradients(pairs)
        return self._results(loss)

    def _test_step(self, x: Values, y: Values, weights: Values) -> list[Any]:
        return self._results(self._loss(x, y, weights, training=False))

    def _predict_step(self, x: Values) -> list[Any]:
        return self._call(x, training=False)

    def train(self, x: Values, y: Values, weights: Values) -> list[Any]:
        """The loss and the metrics of a batch, from which the model learns."""
        return _values(self._train(*_tensors(x, y, weights)))

    def test(self, x: Values, y: Values, weights: Values) -> list[Any]:
        """The loss and the metrics of a batch."""
        return _values(self._test(*_tensors(x, y, weights)))

    def predict(self, x: Values) -> list[Any]:
        """The outputs of the model for a batch."""
        return _values(self._predict(*_tensors(x)))


def _like(target: Any, output: Any) -> Any:
    """A target of the output's dtype, unless it counts something."""
    if target is None or not target.dtype.is_floating:
        return target
    return cast(target, output.dtype)


def _tensors(*lists: Values) -> list[list[Any]]:
    """Arrays as tensors; floats as `floatx`."""
    from retrograd.layers.backend_config import floatx

    def tensor(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return convert_to_tensor(value.astype(floatx(), copy=False))
        return convert_to_tensor(value)

    return [[tensor(value) for value in values] for values in lists]


def _values(tensors: Values) -> list[Any]:
    return [x.numpy() if hasattr(x, "numpy") else x for x in tensors]


def steps_of(model: Model, eager: bool) -> Any:
    """What makes the steps of a model."""
    return (EagerSteps if eager else GraphSteps)(model)
