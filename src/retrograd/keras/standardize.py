"""What programs give to `fit` and its kin, as lists of arrays that fit a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import expand_dims

if TYPE_CHECKING:
    from retrograd.typing import Structure

Shape = tuple[int | None, ...]

_TO_CATEGORICAL = (
    "`categorical_crossentropy` expects targets to be binary matrices (1s and 0s) of "
    "shape (samples, classes). If your targets are integer classes, you can convert "
    "them to the expected format via:\n```\nfrom keras.utils import to_categorical\n"
    "y_binary = to_categorical(y_int)\n```\n\nAlternatively, you can use the loss "
    "function `sparse_categorical_crossentropy` instead, which does expect integer "
    "targets."
)
#: the losses that compare numbers one by one
_SAME_SHAPE = ("mean_squared_error", "binary_crossentropy", "categorical_crossentropy")


def _plain(value: Any) -> Any:
    """The array in a pandas object; anything else as it is."""
    kind = type(value).__name__
    return value.values if kind in ("DataFrame", "Series") else value


def _column(value: Any, shape: Shape | None) -> Any:
    """An array; numbers in a row become a column, unless a row is wanted."""
    if value is None:
        return None
    value = _plain(value)
    if not hasattr(value, "shape"):
        return value
    sizes = value.shape
    rank = sizes.ndims if isinstance(value, Tensor) else len(sizes)
    if rank == 1 and (shape is None or len(shape) != 1):
        if isinstance(value, Tensor):
            return expand_dims(value, -1)
        return np.expand_dims(value, 1)
    return value


def arrays(
    data: Structure,
    names: Sequence[str],
    shapes: Sequence[Shape | None] | None = None,
    check_batch_axis: bool = True,
    called: str = "",
) -> list[Any]:
    """The arrays for some names, checked.

    Args:
      data: an array, a list of them, or a dict by name.
      names: what is wanted.
      shapes: their shapes, None where any will do.
      check_batch_axis: whether the first axis counts.
      called: what they are, for errors.

    Raises:
      ValueError: there are more or fewer, or one has another shape.
      TypeError: not an array.
    """
    if not names:
        has_some = hasattr(data, "__len__") and len(data)
        if data is not None and has_some and not isinstance(data, dict):
            raise ValueError(
                f"Error when checking model {called}: expected no data, but got:", data
            )
        return []
    if data is None:
        return [None] * len(names)
    found = _listed(data, names)
    wanted = [None] * len(found) if shapes is None else shapes
    found = [_column(x, s) for x, s in zip(found, wanted, strict=False)] + [
        _column(x, None) for x in found[len(wanted) :]
    ]
    if len(found) != len(names):
        found = _other_number(found, names, called)
    for value, name, shape in zip(found, names, shapes or (), strict=False):
        if shape is not None and value is not None:
            _check_shape(value, name, shape, check_batch_axis, called)
    return found


def _listed(data: Any, names: Sequence[str]) -> list[Any]:
    """The values of names, in order."""
    if isinstance(data, Mapping):
        missing = next((name for name in names if name not in data), None)
        if missing is not None:
            raise ValueError(
                f'No data provided for "{missing}". Need data for each key in: '
                f"{list(names)}"
            )
        return [data[name] for name in names]
    if isinstance(data, (list, tuple)):
        if data and isinstance(data[0], (list, tuple)):
            return [np.asarray(x) for x in data]
        if len(names) == 1 and data and isinstance(data[0], (float, int)):
            return [np.asarray(data)]
        return list(data)
    return [data]


def _other_number(found: list[Any], names: Sequence[str], called: str) -> list[Any]:
    """A single array from a list of its rows.

    Raises:
      ValueError, TypeError: there are more or fewer arrays than names.
    """
    start = f"Error when checking model {called}: "
    if found and hasattr(found[0], "shape"):
        raise ValueError(
            f"{start}the list of Numpy arrays that you are passing to your model is "
            f"not the size the model expected. Expected to see {len(names)} array(s), "
            f"but instead got the following list of {len(found)} arrays: "
            f"{str(found)[:200]}..."
        )
    if len(names) > 1:
        raise ValueError(
            f"{start}you are passing a list as input to your model, but the model "
            f"expects a list of {len(names)} Numpy arrays instead. The list you passed "
            f"was: {str(found)[:200]}"
        )
    if len(found) == 1 and not hasattr(found[0], "shape"):
        raise TypeError(
            f"{start}data should be a Numpy array, or list/dict of Numpy arrays. "
            f"Found: {str(found)[:200]}..."
        )
    return [np.asarray(found)]


def _check_shape(
    value: Any, name: str, shape: Shape, check_batch_axis: bool, called: str
) -> None:
    if not hasattr(value, "shape"):
        value = np.asarray(value)
    sizes = value.shape
    if isinstance(value, Tensor):
        if sizes.ndims is None:
            return
        sizes = tuple(sizes.as_list())
    if len(sizes) != len(shape):
        raise ValueError(
            f"Error when checking {called}: expected {name} to have {len(shape)} "
            f"dimensions, but got array with shape {sizes}"
        )
    if not check_batch_axis:
        sizes, shape = sizes[1:], shape[1:]
    for size, wanted in zip(sizes, shape, strict=True):
        if wanted is not None and size is not None and size != wanted:
            raise ValueError(
                f"Error when checking {called}: expected {name} to have shape {shape} "
                f"but got array with shape {sizes}"
            )


def check_lengths(
    inputs: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any]
) -> None:
    """Require as many samples in each array.

    Raises:
      ValueError: there are not.
    """
    counts = []
    kinds = ("input arrays (x)", "target arrays (y)", "sample_weight arrays")
    for values, called in zip((inputs, targets, weights), kinds, strict=True):
        known = [x for x in values if x is not None and not isinstance(x, Tensor)]
        found = {np.shape(x)[0] for x in known}
        if len(found) > 1:
            shapes = [np.shape(x) for x in known]
            raise ValueError(
                f"All {called} should have the same number of samples. Got array "
                f"shapes: {shapes}"
            )
        counts.append(found)
    of_inputs, of_targets, of_weights = counts
    if of_inputs and of_targets and of_inputs != of_targets:
        raise ValueError(
            "Input arrays should have the same number of samples as target arrays. "
            f"Found {next(iter(of_inputs))} input samples and "
            f"{next(iter(of_targets))} target samples."
        )
    if of_targets and of_weights and of_targets != of_weights:
        raise ValueError(
            "Sample_weight arrays should have the same number of samples as target "
            f"arrays. Got {next(iter(of_weights))} input samples and "
            f"{next(iter(of_targets))} target samples."
        )


def check_targets(
    targets: Sequence[Any], losses: Sequence[str], shapes: Sequence[Shape]
) -> None:
    """Require targets that the losses can compare with outputs.

    Args:
      targets: the arrays.
      losses: the names of the loss functions, empty where there is none.
      shapes: of the outputs.

    Raises:
      ValueError: they cannot.
    """
    for y, loss, shape in zip(targets, losses, shapes, strict=True):
        if y is None or not loss or isinstance(y, Tensor):
            continue
        if loss == "categorical_crossentropy" and y.shape[-1] == 1:
            raise ValueError(
                f"You are passing a target array of shape {y.shape} while using as "
                f"loss `categorical_crossentropy`. {_TO_CATEGORICAL}"
            )
        if loss not in _SAME_SHAPE:
            continue
        for size, wanted in zip(y.shape[1:], shape[1:], strict=False):
            if wanted is not None and size != wanted:
                raise ValueError(
                    f"A target array with shape {y.shape} was passed for an output of "
                    f"shape {shape} while using as loss `{loss}`. This loss expects "
                    "targets to have the same shape as the output."
                )


# ---------------------------------------------------------------------------- weights


def by_output(given: Structure, names: Sequence[str], called: str) -> list[Any]:
    """What is given for each output: one value, a list, or a dict by name.

    Raises:
      ValueError: a list of another length.
      TypeError: one value for several outputs.
    """
    if given is None or (isinstance(given, (list, dict)) and not given):
        return [None] * len(names)
    if len(names) == 1:
        if isinstance(given, (list, tuple)) and len(given) == 1:
            return [given[0]]
        if isinstance(given, dict) and names[0] in given:
            return [given[names[0]]]
        return [given]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"Provided `{called}` was a list of {len(given)} elements, but the "
                f"model has {len(names)} outputs. You should provide one `{called}`"
                "array per model output."
            )
        return list(given)
    if isinstance(given, Mapping):
        unknown = next((k for k in given if k not in names), None)
        if unknown is not None:
            raise ValueError(
                f"Unknown entries in {called} dictionary: {[unknown]}. Only expected "
                f"following keys: {list(names)}"
            )
        return [given.get(name) for name in names]
    raise TypeError(
        f"The model has multiple outputs, so `{called}` should be either a list or a "
        f"dict. Provided `{called}` type not understood: {given}"
    )


def weights(
    y: Any,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    mode: str | None = None,
) -> Any:
    """The weight of each sample of an output, or None.

    Args:
      y: the targets.
      sample_weight: a weight for each sample; for each of its steps, too, where `mode`
        is `temporal`.
      class_weight: a weight for each class.
      mode: None or `temporal`.

    Raises:
      ValueError: they do not fit the targets.
    """
    if isinstance(sample_weight, tuple):
        sample_weight = sample_weight[0]
    if mode not in (None, "temporal"):
        raise ValueError(
            f'"sample_weight_mode should be None or "temporal". Found: {mode}'
        )
    if mode == "temporal" and len(y.shape) < 3:
        raise ValueError(
            f"Found a sample_weight array for an input with shape {y.shape}. "
            'Timestep-wise sample weighting (use of sample_weight_mode="temporal") is '
            "restricted to outputs that are at least 3D, i.e. that have a time "
            "dimension."
        )
    if sample_weight is not None:
        sample_weight = _plain(sample_weight)
        rank = len(sample_weight.shape)
        if mode == "temporal" and rank != 2:
            raise ValueError(
                f"Found a sample_weight array with shape {sample_weight.shape}. In "
                "order to use timestep-wise sample weighting, you should pass a 2D "
                "sample_weight array."
            )
        if mode is None and rank != 1:
            raise ValueError(
                f"Found a sample_weight array with shape {sample_weight.shape}. In "
                "order to use timestep-wise sample weights, you should specify "
                'sample_weight_mode="temporal" in compile(). If you just mean to use '
                "sample-wise weights, make sure your sample_weight array is 1D."
            )
        shape = tuple(sample_weight.shape)
        if not isinstance(y, Tensor) and shape != tuple(y.shape[: len(shape)]):
            raise ValueError(
                f"Found a sample_weight array with shape {shape} for an input with "
                f"shape {y.shape}. sample_weight cannot be broadcast."
            )
    of_classes = _of_classes(y, class_weight)
    if of_classes is not None and sample_weight is not None:
        return of_classes * sample_weight
    return sample_weight if of_classes is None else of_classes


def _of_classes(y: Any, class_weight: Any) -> np.ndarray | None:
    """The weight of each sample's class."""
    if not isinstance(class_weight, Mapping):
        return None
    if len(y.shape) > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    y = np.asarray(y)
    classes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    known = [class_weight[c] for c in classes if c in class_weight]
    if len(known) != len(classes):
        missing = set(classes.tolist()) - set(class_weight)
        raise ValueError(
            "`class_weight` must contain all classes in the data. The classes "
            f"{missing} exist in the data but not in `class_weight`."
        )
    return np.asarray(known)


def split(
    fraction: float, *lists: Sequence[Any]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """The first samples of each array, and the last `fraction` of them.

    Raises:
      ValueError: an array is a tensor, or one of the parts is empty.
    """
    if any(isinstance(x, Tensor) for values in lists for x in values):
        raise ValueError(
            "If your data is in the form of symbolic tensors, you cannot use "
            "`validation_split`."
        )
    count = next(np.shape(x)[0] for x in lists[0] if x is not None)
    at = int(count * (1.0 - fraction))
    if at in (0, count):
        raise ValueError(
            f"Training data contains {count} samples, which is not sufficient to split "
            f"it into a validation and training set as specified by `validation_split="
            f"{fraction}`. Either provide more data, or a different value for the "
            "`validation_split` argument."
        )

    def part(where: slice) -> list[list[Any]]:
        return [[None if x is None else x[where] for x in v] for v in lists]

    return part(slice(0, at)), part(slice(at, None))
