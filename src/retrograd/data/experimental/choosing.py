"""Datasets whose elements are chosen from others, at random or as another says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.data import elements
from retrograd.data.base import NUMBER
from retrograd.data.dataset import DatasetV1, DatasetV2
from retrograd.data.seeds import get_seed
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.data.experimental.applied import Transformation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, Structure, TensorLike


class RandomDatasetV2(DatasetV2):
    """Random int64 numbers of 32 bits, without end.

    Args:
      seed: where they begin.
    """

    _called = "RandomDatasetV2"

    def __init__(self, seed: TensorLike | None = None) -> None:
        seeds = get_seed(seed)
        super().__init__(F.RandomDataset(*seeds, **elements.attrs_of(NUMBER)), NUMBER)


class RandomDatasetV1(DatasetV1):
    """Random int64 numbers; see `RandomDatasetV2`."""

    _called = "RandomDatasetV1"

    def __init__(self, seed: TensorLike | None = None) -> None:
        super().__init__(RandomDatasetV2(seed)._variant_tensor, NUMBER)


RandomDataset = RandomDatasetV1


def CounterV2(
    start: TensorLike = 0, step: TensorLike = 1, dtype: DTypeLike = dtypes.int64
) -> Any:
    """The numbers from `start` on, `step` apart, without end."""
    return _counted(DatasetV2, start, step, dtype)


def CounterV1(
    start: TensorLike = 0, step: TensorLike = 1, dtype: DTypeLike = dtypes.int64
) -> Any:
    """See `CounterV2`."""
    return _counted(DatasetV1, start, step, dtype)


def _counted(
    kind: type[DatasetV2], start: TensorLike, step: TensorLike, dtype: DTypeLike
) -> Any:
    from retrograd.data.experimental.applied import scan

    first = convert_to_tensor(start, dtype, "start")
    apart = convert_to_tensor(step, dtype, "step")
    return (
        kind.from_tensors(0)
        .repeat()
        .apply(scan(first, lambda state, _: (state + apart, state)))
    )


# ---------------------------------------------------------------------- of several


def _directed(
    kind: type[DatasetV2], selector: DatasetV2, datasets: Sequence[DatasetV2]
) -> Any:
    first = datasets[0].element_spec
    specs = elements.flat(first)
    for dataset in datasets[1:]:
        theirs = dataset.element_spec
        same = elements.types_of(theirs) == elements.types_of(first)
        if not same or elements.classes_of(theirs) != elements.classes_of(first):
            raise TypeError("All datasets must have the same type and class.")
        pairs = zip(specs, elements.flat(theirs), strict=True)
        specs = [mine.most_specific_compatible_type(other) for mine, other in pairs]
    spec = elements.replaced(first, specs)
    made = kind(
        F.DirectedInterleaveDataset(
            selector._variant_tensor,
            [dataset._variant_tensor for dataset in datasets],
            **elements.attrs_of(spec),
        ),
        spec,
    )
    made._made_of = (selector, *datasets)
    return made


def _chosen(
    kind: type[DatasetV2], datasets: Sequence[DatasetV2], choice: DatasetV2
) -> Any:
    if not NUMBER.is_compatible_with(choice.element_spec) or not isinstance(
        choice.element_spec, TensorSpec
    ):
        raise TypeError(
            "`choice_dataset` must be a dataset of scalar `tf.int64` tensors."
        )
    return _directed(kind, choice, datasets)


def choose_from_datasets_v2(
    datasets: Sequence[DatasetV2], choice_dataset: DatasetV2
) -> Any:
    """The next element of the dataset whose number another dataset gives.

    Raises:
      TypeError: the choice is no dataset of int64 scalars, or elements differ.
    """
    return _chosen(DatasetV2, datasets, choice_dataset)


def choose_from_datasets_v1(
    datasets: Sequence[DatasetV2], choice_dataset: DatasetV2
) -> Any:
    """See `choose_from_datasets_v2`."""
    return _chosen(DatasetV1, datasets, choice_dataset)


def _drawn(logits: Tensor, seed: Any) -> Any:
    found = F.StatelessMultinomial(
        logits, convert_to_tensor(1), seed, output_dtype=dtypes.int64
    )
    return F.Squeeze(found, squeeze_dims=[0, 1])


def _sampled(
    kind: type[DatasetV2],
    datasets: Sequence[DatasetV2],
    weights: Structure,
    seed: TensorLike | None,
) -> Any:
    if isinstance(weights, DatasetV2):
        logits: Any = weights.map(lambda *p: F.Log(F.Pack(p), name="logits"))
        both = DatasetV2.zip((logits, RandomDatasetV2(seed).batch(2)))
        return _directed(kind, both.map(_drawn), datasets)
    if weights is None:
        row = convert_to_tensor([[1.0] * len(datasets)], dtypes.float32)
    else:
        given = convert_to_tensor(weights, name="weights")
        if given.dtype not in (dtypes.float32, dtypes.float64):
            raise TypeError(
                "`weights` must be convertible to a tensor of `tf.float32` or "
                "`tf.float64` elements."
            )
        if not given.shape.is_compatible_with([len(datasets)]):
            raise ValueError("`weights` must be a vector of length `len(datasets)`.")
        row = F.ExpandDims(F.Log(given, name="logits"), convert_to_tensor(0))
    if len(datasets) == 1:
        return datasets[0]
    numbers = RandomDatasetV2(seed).batch(2)
    return _directed(kind, numbers.map(lambda pair: _drawn(row, pair)), datasets)


def sample_from_datasets_v2(
    datasets: Sequence[DatasetV2],
    weights: TensorLike | DatasetV2 | None = None,
    seed: TensorLike | None = None,
) -> Any:
    """The next element of one of some datasets, drawn.

    Args:
      datasets: the datasets.
      weights: their probabilities, by default equal; or a dataset of such.
      seed: the seed.

    Raises:
      TypeError: elements differ, or the weights are of another type.
      ValueError: there is not a weight for each.
    """
    return _sampled(DatasetV2, datasets, weights, seed)


def sample_from_datasets_v1(
    datasets: Sequence[DatasetV2],
    weights: TensorLike | DatasetV2 | None = None,
    seed: TensorLike | None = None,
) -> Any:
    """See `sample_from_datasets_v2`."""
    return _sampled(DatasetV1, datasets, weights, seed)


# ---------------------------------------------------------------------- resampling


def rejection_resample(
    class_func: Callable[..., Any],
    target_dist: TensorLike,
    initial_dist: TensorLike | None = None,
    seed: int | None = None,
) -> Transformation:
    """Pairs of a class and an element, in the distribution of classes that is wanted.

    Args:
      class_func: the int32 class of an element.
      target_dist: the probability of each class.
      initial_dist: that in the dataset; by default it is estimated.
      seed: the seed.
    """

    def apply(dataset: DatasetV2) -> Any:
        target = convert_to_tensor(target_dist, name="target_dist")
        classes = dataset.map(class_func)
        whole = dataset._kind.zip((classes, dataset))
        if initial_dist is None:
            initial = _estimated(target, classes)
            odds = initial.map(lambda p: _odds(p, target))
        else:
            known = convert_to_tensor(initial_dist, name="initial_dist")
            kind = dataset._kind
            initial = kind.from_tensors(known).repeat()
            odds = kind.from_tensors(_odds(known, target)).repeat()
        kept = _kept(whole, odds, seed).prefetch(3)
        share = None
        if initial_dist is not None:
            share = _static_share(initial_dist, target_dist)
        if share == 1:
            return whole
        if share == 0:
            return kept
        weights = odds.map(lambda _, m: F.Pack([m, _one_less(m)]))
        return sample_from_datasets_v1([whole, kept], weights, seed)

    return apply


def _one_less(value: Structure) -> Any:
    return F.Sub(convert_to_tensor(1, value.dtype), value)


def _static_share(initial: TensorLike, target: TensorLike) -> float | None:
    values = [constant_value(convert_to_tensor(v)) for v in (initial, target)]
    if any(v is None for v in values):
        return None
    before, after = values
    return float(np.min(after / (before + np.finfo(before.dtype).tiny)))


def _odds(initial: Tensor, target: Tensor) -> tuple[Any, Any]:
    """How likely each class is taken from what is filtered, and that of the rest."""
    tiny = np.finfo(initial.dtype.as_numpy_dtype).tiny
    ratio = F.RealDiv(target, F.Add(initial, convert_to_tensor(tiny, initial.dtype)))
    axes = convert_to_tensor([0])
    most, least = F.Max(ratio, axes), F.Min(ratio, axes)
    return F.RealDiv(F.Sub(ratio, least), F.Sub(most, least)), least


def _kept(whole: DatasetV2, odds: Structure, seed: int | None) -> Any:
    """The elements that are taken with the probability of their class."""
    from retrograd.ops.random.random import random_uniform

    accepted = odds.map(lambda share, _: share)

    def take(pair: Tensor, shares: Tensor) -> Any:
        share = F.GatherV2(shares, pair[0], convert_to_tensor(0))
        number = random_uniform([], seed=seed, dtype=share.dtype)
        return F.Less(number, share)

    both = whole._kind.zip((whole, accepted))
    return both.filter(take).map(lambda pair, _: pair)


def _estimated(target: Tensor, classes: DatasetV2) -> Any:
    """The distribution of classes, as those seen so far say."""
    from retrograd.data.experimental.applied import scan

    count = target.shape[0]
    count = int(getattr(count, "value", count))
    smoothing, batch = 10, 32

    def update(seen: Tensor, found: Structure) -> Any:
        one_hot = F.OneHot(
            found,
            convert_to_tensor(count),
            convert_to_tensor(1, dtypes.int64),
            convert_to_tensor(0, dtypes.int64),
            axis=-1,
        )
        new = F.Add(seen, F.Sum(one_hot, convert_to_tensor([0])))
        total = F.Sum(new, convert_to_tensor([0]))
        share = F.RealDiv(
            F.Cast(new, DstT=dtypes.float32), F.Cast(total, DstT=dtypes.float32)
        )
        rows = F.StridedSlice(F.Shape(found), [0], [1], [1], shrink_axis_mask=1)
        tiled = F.Tile(
            F.ExpandDims(F.Cast(share, DstT=target.dtype), convert_to_tensor(0)),
            F.Pack([rows, convert_to_tensor(1)]),
        )
        return new, tiled

    first = convert_to_tensor(np.full([count], smoothing, np.int64))
    return classes.batch(batch).apply(scan(first, update)).unbatch()
