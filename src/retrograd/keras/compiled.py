"""What compiling a model makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.keras.compiling import Compilation
from retrograd.keras.network import Network
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.typing import Named, Structure

_COMPILE_FIRST = (
    "You must compile your model before training/testing. Use `model.compile("
    "optimizer, loss)`."
)


class Compiled(Network):
    """What a model is compiled with; a part of `Model`."""

    _compilation: Compilation | None = None

    def compile(
        self,
        optimizer: Named = "rmsprop",
        loss: Structure = None,
        metrics: Structure = None,
        loss_weights: Structure = None,
        sample_weight_mode: Structure = None,
        weighted_metrics: Structure = None,
        target_tensors: Structure = None,
        distribute: object = None,
        **kwargs: Any,
    ) -> None:
        """Say how the model is trained.

        Args:
          optimizer: an optimizer or its name.
          loss: a loss, its name or a function; a list or dict for several outputs.
          metrics: names, functions or metrics; lists or a dict for several outputs.
          loss_weights: what each output's loss counts in the total.
          sample_weight_mode: `temporal` where each step of a sample has a weight.
          weighted_metrics: as `metrics`, but samples count by their weights.
          target_tensors: tensors that outputs are compared with, in place of data.
          distribute: not supported; use a strategy's scope.
          **kwargs: `run_eagerly`, whether steps are run without being traced.

        Raises:
          TypeError: another argument.
          ValueError: no such loss, metric or output.
        """
        if distribute is not None:
            raise ValueError(
                "Distribute argument in compile is not available in TF 2.0 please "
                "create the model under the distribution strategy scope."
            )
        run_eagerly = kwargs.pop("run_eagerly", None)
        kwargs.pop("experimental_run_tf_function", None)
        if kwargs and context.executing_eagerly():
            raise TypeError(f"Invalid keyword argument(s) in `compile`: {set(kwargs)}")
        kept = self.__dict__
        kept["_run_eagerly"] = run_eagerly
        kept["_steps"] = None
        compilation = kept["_compilation"] = Compilation(
            self,  # pyright: ignore[reportArgumentType]
            optimizer,
            loss,
            metrics,
            loss_weights,
            sample_weight_mode,
            weighted_metrics,
            target_tensors,
        )
        kept["optimizer"], kept["loss"] = compilation.optimizer, compilation.loss
        if isinstance(compilation.optimizer, Trackable):
            self._track_trackable(compilation.optimizer, "optimizer", overwrite=True)
        kept["_is_compiled"] = True
        if self.outputs:
            self._prepare_compilation()

    def _prepare_compilation(self) -> None:
        compilation = self._compilation
        assert compilation is not None
        compilation.prepare(self.output_names, self.outputs)
        self.__dict__["_collected_trainable_weights"] = self._unique_trainable_weights
        if not context.executing_eagerly():
            modes = [e.mode is not None for e in compilation.endpoints]
            compilation.make_graph(modes)

    def _compiled(self) -> Compilation:
        """What the model was compiled with.

        Raises:
          RuntimeError: it was not.
        """
        if self._compilation is None:
            raise RuntimeError(_COMPILE_FIRST)
        return self._compilation

    @property
    def run_eagerly(self) -> bool:
        """Whether steps are run without being traced."""
        return bool(self.__dict__.get("_run_eagerly")) or self.dynamic

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self.__dict__["_run_eagerly"] = value

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the outputs, then those of the layers."""
        own = [] if self._compilation is None else self._compilation.metric_objects
        found = [*own, *super().metrics]
        return list({id(metric): metric for metric in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns."""
        names = ["loss"]
        if self._compilation is not None:
            names += [m.name for m in self._compilation.loss_metrics]
        return names + [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Let all metrics begin anew."""
        own = [] if self._compilation is None else self._compilation.loss_metrics
        for metric in [*own, *self.metrics]:
            metric.reset_states()

    @property
    def total_loss(self) -> Any:
        """The tensor that is minimized."""
        return self._compiled().total_loss

    @property
    def targets(self) -> list[Any]:
        """The tensors that outputs are compared with."""
        return [e.target for e in self._compiled().endpoints if e.loss is not None]

    @property
    def sample_weights(self) -> list[Any]:
        """The tensors of the samples' weights."""
        return [e.sample_weight for e in self._compiled().endpoints]

    @property
    def loss_functions(self) -> list[Any]:
        """The losses of the outputs."""
        return [e.loss for e in self._compiled().endpoints]

    @property
    def _unique_trainable_weights(self) -> list[Any]:
        """The weights that are trained, each once."""
        return list({id(w): w for w in self.trainable_weights}.values())

    def _make_train_function(self) -> None:
        """Make the update of the optimizer, and so its weights."""
        if not context.executing_eagerly():
            self._compiled().function("train")
        elif hasattr(self.optimizer, "_create_hypers"):
            _ = self.optimizer.iterations
            self.optimizer._create_hypers()
            self.optimizer._create_slots(self._unique_trainable_weights)

    @property
    def _feed_inputs(self) -> list[Any]:
        """The inputs that are placeholders."""
        layers = self.__dict__.get("_input_layers")
        if layers is None:
            return list(self.inputs)
        return [
            x for x, of in zip(self.inputs, layers, strict=True) if of.is_placeholder
        ]

    @property
    def _feed_input_names(self) -> list[str]:
        fed = {id(x) for x in self._feed_inputs}
        pairs = zip(self.inputs, self.input_names, strict=True)
        return [name for x, name in pairs if id(x) in fed]
