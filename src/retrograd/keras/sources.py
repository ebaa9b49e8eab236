"""Where a model's batches come from, whatever the data is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd import nest
from retrograd.keras import batches
from retrograd.keras.batches import Arrays, Batch, Elements
from retrograd.keras.generated import chained, generated, is_generator
from retrograd.keras.model_data import ModelData

_log = logging.getLogger("tensorflow")


class Sources(ModelData):
    """How a model cuts data into batches; a part of `Model`."""

    def _arrays(
        self, parts: Any, batch_size: int | None, shuffle: Any, steps: int | None
    ) -> Arrays:
        x, y, weights = parts
        return Arrays(x, y, weights, batch_size or 32, shuffle, steps)

    def _source(
        self,
        given: tuple[Any, Any, Any, Any],
        batch_size: int | None,
        steps: int | None,
        shuffle: bool | str,
        queue: tuple[int, int, bool],
        epochs: int,
        compiled: bool = True,
    ) -> Any:
        """Where the batches come from that are in some data."""
        x, y, sample_weight, class_weight = given

        def prepare(element: Any) -> Batch:
            if compiled:
                return batches.batch_of(self, element, class_weight)  # pyright: ignore[reportArgumentType]
            value = element[0] if isinstance(element, tuple) else element
            self._ready(value, compiled=False)
            inputs = self._inputs_of(value)
            return Batch(inputs, [], [], np.shape(inputs[0])[0])

        text = _ran_out((steps or 0) * epochs)
        if batches.is_dataset(x):
            self._check_no_targets(y, "dataset")
            draw = batches.elements_of_dataset(x)
            anew = steps is None
            if anew:
                name = "steps_per_epoch" if shuffle else "steps"
                steps = batches.count_of_dataset(x, name)
            return self._first_ready(Elements(draw, prepare, steps, anew, text))
        if is_generator(x):
            self._check_no_targets(y, "generator")
            made = generated(x, queue, shuffle and compiled)
            steps = made.steps if steps is None else steps
            source = Elements(made.draw, prepare, steps, False, text)
            source.announced = False
            return self._first_ready(source)
        if batches.are_tensors(nest.flatten(x), nest.flatten(y)) or x is None:
            return self._first_ready(
                self._from_tensors(given, prepare, steps, compiled)
            )
        if compiled:
            parts = self._standardize(x, y, sample_weight, class_weight)
        else:
            self._ready(x, compiled=False)
            parts = self._inputs_of(x), [], []
        if steps is not None:
            _log.warning(
                "When passing input data as arrays, do not specify "
                "`steps_per_epoch`/`steps` argument. Please use `batch_size` instead."
            )
        return self._arrays(parts, batch_size, shuffle, steps)

    def _first_ready(self, source: Elements) -> Elements:
        """A source whose first batch has been looked at, so that the model is ready."""
        if self.outputs and self.__dict__.get("_steps") is not None:
            return source
        if self.outputs:
            self._ready(None, compiled=self._compilation is not None)
            return source
        elements = source.draw()
        first = next(elements)
        source.prepare(first)
        again = source.draw

        def draw() -> Any:
            nonlocal elements, first
            if first is None:
                return again()
            head, first = first, None
            return chained(head, elements)

        source.draw = draw
        return source

    def _from_tensors(
        self,
        given: tuple[Any, Any, Any, Any],
        prepare: Callable[[Any], Batch],
        steps: int | None,
        compiled: bool,
    ) -> Elements:
        """Batches of the values that tensors have."""
        x, y, sample_weight, _ = given
        if steps is None:
            name = "`steps_per_epoch`" if compiled else "`steps`"
            raise ValueError(
                "When using data tensors as input to a model, you should specify the "
                f"{name} argument."
            )
        if x is None and y is None:

            def draw() -> Any:
                while True:
                    yield (None, None, None)
        else:

            def draw() -> Any:
                found = (x, y, sample_weight)
                return batches.values_of_tensors(found if compiled else x)

        return Elements(draw, prepare, steps, False)

    def _check_no_targets(self, y: Any, called: str) -> None:
        if y is None:
            return
        if called == "generator":
            raise ValueError(
                "`y` argument is not supported when data is a generator or Sequence "
                f"instance. Instead pass targets as the second element of the {called}."
            )
        raise ValueError(
            "You passed a dataset or dataset iterator as input `x` to your model. In "
            "that case, you should not specify a target (`y`) argument, since the "
            "dataset or dataset iterator generates both input data and target data. "
            f"Received: {y}"
        )

    def _check_trainable(self) -> None:
        """Warn where `trainable` was changed after compiling."""
        before = self.__dict__.get("_collected_trainable_weights")
        if before is not None and len(before) != len(self._unique_trainable_weights):
            _log.warning(
                "Discrepancy between trainable weights and collected trainable weights,"
                " did you set `model.trainable` without calling `model.compile` after ?"
            )


def _ran_out(batches_wanted: int) -> str:
    return (
        "Your dataset iterator ran out of data; interrupting training. Make sure that "
        "your iterator can generate at least `steps_per_epoch * epochs` batches (in "
        f"this case, {batches_wanted} batches). You may need to use the repeat() "
        "function when building your dataset."
    )
