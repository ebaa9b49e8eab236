"""Gathering, scattering, segments and ranking: NumPy, XLA and TensorFlow 1.15."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.arrays.both import both, cases, close

from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays.numpy import indexing
from retrograd.errors import InvalidArgumentError

rng = np.random.default_rng


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_gather(axis: int, shape: tuple[int, ...]) -> None:
    x = rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    index = rng(1).integers(0, 3, shape).astype(np.int32)
    got = both(lambda xp, x, i: xp.gather(x, i, axis), x, index)
    np.testing.assert_array_equal(got, np.take(x, index, axis))


@pytest.mark.parametrize(("axis", "batch_dims"), [(1, 1), (2, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("more", [(), (4,), (2, 3)])
def test_gather_with_batches(axis: int, batch_dims: int, more: tuple) -> None:
    x = rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
    index = rng(1).integers(0, 4, (*x.shape[:batch_dims], *more))
    got = both(lambda xp, x, i: xp.gather(x, i, axis, batch_dims), x, index)
    for batch in np.ndindex(*x.shape[:batch_dims]):
        want = np.take(x[batch], index[batch], axis - batch_dims)
        np.testing.assert_array_equal(got[batch], want)


@pytest.mark.parametrize("shape", [(2,), (0, 2), (3, 2), (3, 1), (2, 2, 3), (4, 0)])
def test_gather_nd(shape: tuple[int, ...]) -> None:
    x = rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    index = rng(1).integers(0, 3, shape).astype(np.int32)
    got = both(lambda xp, x, i: xp.gather_nd(x, i), x, index)
    assert got.shape == shape[:-1] + x.shape[shape[-1] :]
    for at in np.ndindex(*shape[:-1]):
        np.testing.assert_array_equal(got[at], x[tuple(index[at])])


STEPS = {
    "update": lambda a, b: b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "min": np.minimum,
    "max": np.maximum,
}


def one_by_one(ref: np.ndarray, index: np.ndarray, rows: np.ndarray, mode: str):
    """Apply updates in order; `index` is [n, k], `rows` [n, …]."""
    ref = ref.astype(np.float64)
    for at, row in zip(index, rows, strict=True):
        ref[tuple(at)] = STEPS[mode](ref[tuple(at)], row)
    return ref


@pytest.mark.parametrize("mode", STEPS)
@pytest.mark.parametrize("inner", [(), (3,), (2, 2)])
def test_scatter(mode: str, inner: tuple[int, ...]) -> None:
    ref = rng(0).normal(size=(5, *inner)).astype(np.float32)
    index = np.int32([[3, 1], [3, 4], [1, 3]])
    rows = rng(1).normal(size=(3, 2, *inner)).astype(np.float32)
    kept = ref.copy()
    got = both(lambda xp, r, i, u: xp.scatter(r, i, u, mode), ref, index, rows)
    np.testing.assert_array_equal(ref, kept)
    flat = rows.reshape(6, *inner)
    close(got, one_by_one(ref, index.reshape(6, 1), flat, mode).astype(np.float32))
    scalar = both(lambda xp, r, i: xp.scatter(r, i, np.float32(2), mode), ref, index[0])
    want = one_by_one(ref, index[0][:, None], [np.float32(2)] * 2, mode)
    close(scalar, want.astype(np.float32))


@pytest.mark.parametrize("mode", STEPS)
def test_scatter_nd(mode: str) -> None:
    ref = rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    index = np.int64([[0, 1], [2, 3], [0, 1], [1, 0]])
    rows = rng(1).normal(size=(4, 2)).astype(np.float32)
    got = both(lambda xp, r, i, u: xp.scatter_nd(r, i, u, mode), ref, index, rows)
    close(got, one_by_one(ref, index, rows, mode).astype(np.float32))
    every = index[:, :0]  # empty index vectors mean the whole array
    whole = rng(2).normal(size=(4, 3, 4, 2)).astype(np.float32)
    got = both(lambda xp, r, i, u: xp.scatter_nd(r, i, u, mode), ref, every, whole)
    close(got, one_by_one(ref, every, whole, mode).astype(np.float32))


def test_scatter_of_integers() -> None:
    ref, index = np.int32([-7, 9, 20]), np.int32([0, 2, 2])
    got = both(
        lambda xp, r, i: xp.scatter(r, i, np.int32([2, 3, 2]), "div"), ref, index
    )
    assert got.tolist() == [-3, 9, 3]
    got = both(lambda xp, r, i: xp.scatter(r, i, np.int32(1), "sub"), ref, index)
    assert got.tolist() == [-8, 9, 18]


def test_scatter_in_place() -> None:
    ref = np.zeros((3, 2), np.float32)
    out = xp_numpy.scatter(ref, np.int32([1]), np.float32([[1, 2]]), in_place=True)
    assert out is ref
    assert ref[1].tolist() == [1, 2]
    out = xp_numpy.scatter_nd(ref, np.int32([[2]]), np.float32([[5, 6]]), in_place=True)
    assert ref[2].tolist() == [5, 6]
    ref.flags.writeable = False
    out = xp_numpy.scatter(ref, np.int32([1]), np.float32([[9, 9]]), in_place=True)
    assert out is not ref


@pytest.mark.parametrize("case", cases("unsorted"))
def test_segments_equal_tensorflow(case: dict[str, np.ndarray]) -> None:
    for kind in ("sum", "prod", "max", "min"):
        got = both(
            lambda xp, d, i, k=kind: getattr(xp, f"segment_{k}")(d, i, 5),
            case["data"],
            case["ids"],
        )
        close(got, case[kind])
        assert got.dtype == case[kind].dtype


@pytest.mark.parametrize("case", cases("sorted"))
def test_sorted_segments_equal_tensorflow(case: dict[str, np.ndarray]) -> None:
    for kind in ("sum", "prod", "max", "min"):
        empty = {"empty": 0} if kind in ("max", "min") else {}
        got = both(
            lambda xp, d, i, k=kind, e=empty: getattr(xp, f"segment_{k}")(d, i, 5, **e),
            case["data"],
            case["ids"],
        )
        close(got, case[kind])


def test_segments_by_ids_of_rank_two() -> None:
    data = rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    ids = np.int64([[0, 2, 0], [-1, 2, 1]])
    got = both(lambda xp, d, i: xp.segment_sum(d, i, 3), data, ids)
    want = np.stack([data[ids == n].sum(0) for n in range(3)])
    close(got, want)
    none = both(lambda xp, d, i: xp.segment_sum(d, i, 0), data[:0], ids[:0])
    assert none.shape == (0, 4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_segments_of_two_byte_floats(dtype: str) -> None:
    data = np.full(5000, 0.1).astype(getattr(xp_numpy, dtype))
    ids = np.zeros(5000, np.int32)
    total = both(lambda xp, d, i: xp.segment_sum(d, i, 1), data, ids, rtol=1e-2)
    close(total.astype(np.float32), np.float32([data[0]]) * 5000, 1e-2)
    for name in ("segment_max", "segment_min", "segment_prod"):
        got = both(lambda xp, d, i, f=name: getattr(xp, f)(d, i, 2), data[:3], ids[:3])
        assert got.dtype == data.dtype


def test_bincount() -> None:
    ids = np.int32([0, 1, 1, 4, 7])
    assert both(lambda xp, i: xp.bincount(i, 5), ids).tolist() == [1, 2, 0, 0, 1]
    weights = np.float32([1, 2, 3, 5, 8])
    got = both(lambda xp, i, w: xp.bincount(i, 5, w), ids, weights)
    assert got.tolist() == [1, 5, 0, 0, 5]


@pytest.mark.parametrize("k", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_top_k(k: int, dtype: str) -> None:
    x = rng(0).integers(0, 9, (2, 3, 40)).astype(dtype)
    values, places = both(lambda xp, x: xp.top_k(x, k), x)
    assert places.dtype == np.int32
    assert values.dtype == x.dtype
    for at in np.ndindex(2, 3):
        row = x[at].tolist()
        want = sorted(range(40), key=lambda i, row=row: (-row[i], i))[:k]
        assert places[at].tolist() == want
        assert values[at].tolist() == [row[i] for i in want]


@given(st.lists(st.integers(-3, 3), min_size=16, max_size=60), st.integers(1, 2))
def test_top_few_equals_a_full_sort(row: list[int], k: int) -> None:
    x = np.float32([row])
    places = indexing._few_of_many(x, k)
    assert places is not None
    want = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
    assert places[0].tolist() == want


def test_top_k_beside_nan() -> None:
    x = np.float32([np.nan, *range(20)])
    assert xp_numpy.top_k(x, 2)[0].shape == (2,)


PARAMS = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            lambda: xp_numpy.gather(PARAMS, np.int32([[0, 1], [7, 2]])),
            "indices[1,0] = 7 is not in [0, 3)",
        ),
        (
            lambda: xp_numpy.gather(PARAMS, np.int32([-1]), 1),
            "indices[0] = -1 is not in [0, 2)",
        ),
        (
            lambda: xp_numpy.gather(PARAMS, np.int32([[0], [1], [5]]), 1, 1),
            "indices[2,0] = 5 is not in [0, 2)",
        ),
        (
            lambda: xp_numpy.gather_nd(PARAMS, np.int32([[0, 1], [7, 2]])),
            "indices[1] = [7, 2] does not index into param shape [3,2]",
        ),
        (
            lambda: xp_numpy.gather_nd(PARAMS, np.int32([[[0, 1], [7, 2]]])),
            "indices[0,1] = [7, 2] does not index into param shape [3,2]",
        ),
        (
            lambda: xp_numpy.scatter(PARAMS, np.int32([[0], [7]]), np.float32(1)),
            "indices[1,0] = 7 is not in [0, 3)",
        ),
        (
            lambda: xp_numpy.scatter_nd(PARAMS, np.int32([[2, -7]]), np.float32([1])),
            "indices[0] = [2, -7] does not index into shape [3,2]",
        ),
        (
            lambda: xp_numpy.segment_sum(PARAMS, np.int32([0, 7, 1]), 3),
            "segment_ids[1] = 7 is out of range [0, 3)",
        ),
        (
            lambda: xp_numpy.segment_sum(PARAMS, np.int32([-1, 7, 1]), 3),
            "segment_ids[1] = 7 is out of range [0, 3)",
        ),
    ],
)
def test_an_index_outside(call, line: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call()
    assert str(caught.value).splitlines()[0] == line


def test_an_index_outside_when_compiled() -> None:
    from tests.arrays.both import on_jax

    x = np.float32([1, 2, 3])
    index = np.int32([-1, 1, 3])
    (got,) = on_jax(lambda xp, x, i: xp.gather(x, i), x, index)
    assert got.tolist() == [0, 2, 0]
    (got,) = on_jax(lambda xp, x, i: xp.scatter(x, i, np.float32(9)), x, index)
    assert got.tolist() == [1, 9, 3]
