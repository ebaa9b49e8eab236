"""Write philox.npz: numbers drawn by TensorFlow 1.15.5, for tests/ops/test_philox.py.

Run under Python 3.7 with tensorflow==1.15.5. A case's key is JSON: the op type, its
dtype, and the arguments. Its value is what successive runs drew, stacked; bfloat16 as
float32. Of a long draw only a CRC-32 of each run's bytes is kept. Kernels whose numbers
depend on the number of threads run on one.
"""

import json
import os
import zlib

import numpy as np
import tensorflow as tf

SEEDS = [(1, 2), (87654321, 42), (0, 2**31 - 1), (-5, 2**40 + 3)]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
LONG = 2000


def cases():
    """(op type, dtype, arguments) of everything to draw; arguments are plain JSON."""
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for dtype in FLOATS:
            for i, shape in enumerate(([], [7], [3, 11], [0, 4])):
                yield op, dtype, {"seeds": SEEDS[i], "shape": shape}
        for dtype in ("float16", "float32"):
            yield op, dtype, {"seeds": (3, 9), "shape": [200003]}
    yield "RandomUniform", "float64", {"seeds": (3, 9), "shape": [100001]}
    ranges = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
    for dtype, widest in ranges.items():
        for i, bounds in enumerate(((0, 10), (-7, 1000003), widest, (5, 6))):
            for shape in ([], [13], [2, 3]):
                arguments = {"seeds": SEEDS[i], "shape": shape, "bounds": bounds}
                yield "RandomUniformInt", dtype, arguments
    for size in (1, 2, 3, 17, 1000):
        yield "RandomShuffle", "int32", {"seeds": (size, 8), "size": size}
    for dtype in ("float16", "float32", "float64"):
        for batch, classes, samples in ((1, 5, 9), (4, 3, 1), (3, 50, 6), (2, 1, 3)):
            arguments = {
                "seeds": (batch, classes),
                "batch": batch,
                "classes": classes,
                "samples": samples,
            }
            yield "Multinomial", dtype, arguments
            yield "StatelessMultinomial", dtype, arguments
    for dtype in ("float16", "float32", "float64"):
        for alpha in (0.5, [1.0, 0.1, 3.5], [[20.0, 1.0], [0.9, 1.1]]):
            yield (
                "RandomGamma",
                dtype,
                {"seeds": (4, 7), "shape": [5, 4], "rate": alpha},
            )
    for dtype in ("float16", "float32", "float64", "int32", "int64"):
        for rate in (3.0, [0.0, 9.99, 10.0], [[15.0, 400.0], [5.0, 30000.0]]):
            arguments = {"seeds": (6, 1), "shape": [3, 8], "rate": rate}
            yield "RandomPoissonV2", dtype, arguments
    inf = float("inf")
    for dtype in ("float16", "float32", "float64"):
        for shape, parameters in (
            ([250], (0.0, 1.0, -2.0, 2.0)),
            ([120], (1.0, 2.0, 1.5, 1.75)),
            ([210], (0.0, 1.0, 3.0, inf)),
            ([3, 40], ([0.0, 1.0, -1.0], 0.5, [-inf, 0.0, 2.0], [-1.5, 1.25, 9.0])),
        ):
            arguments = {"seeds": (2, 2), "shape": shape, "parameters": parameters}
            yield "ParameterizedTruncatedNormal", dtype, arguments
    for op in (
        "StatelessRandomUniform",
        "StatelessRandomNormal",
        "StatelessTruncatedNormal",
    ):
        for dtype in FLOATS:
            yield op, dtype, {"seeds": (-3, 2**33), "shape": [9]}
    for dtype in ("int32", "int64"):
        arguments = {"seeds": (0, 0), "shape": [9], "bounds": (-50, 50)}
        yield "StatelessRandomUniformInt", dtype, arguments
    for dtype in ("int32", "uint32", "int64", "uint64"):
        arguments = {"seeds": (5, 2**63 - 1), "shape": [3, 3]}
        yield "StatefulUniformFullInt", dtype, arguments


def logits(batch, classes, dtype):
    """Spread over [−3, 3], one in eleven impossible."""
    n = np.arange(batch * classes)
    flat = ((n * 37) % 101) / 101 * 6 - 3
    flat[n % 11 == 10] = -np.inf
    return flat.reshape(batch, classes).astype(dtype)


def build(op, dtype, a):
    """The tensor to run."""
    raw = getattr(tf.raw_ops, op)
    shape = np.array(a.get("shape", []), np.int32)
    seeds = {"seed": a["seeds"][0], "seed2": a["seeds"][1]}
    if op.startswith("Stateless"):
        seeds = {"seed": tf.constant(a["seeds"], tf.int64)}
    if op in ("RandomUniformInt", "StatelessRandomUniformInt"):
        low, high = (tf.constant(b, dtype) for b in a["bounds"])
        return raw(shape=shape, minval=low, maxval=high, **seeds)
    if op == "RandomShuffle":
        return raw(value=np.arange(a["size"]), **seeds)
    if op.endswith("Multinomial"):
        weights = logits(a["batch"], a["classes"], dtype)
        return raw(logits=weights, num_samples=a["samples"], **seeds)
    if op == "RandomGamma":
        return raw(shape=shape, alpha=np.array(a["rate"], dtype), **seeds)
    if op == "RandomPoissonV2":
        rate = np.array(a["rate"])
        return raw(shape=shape, rate=rate, dtype=dtype, **seeds)
    if op == "ParameterizedTruncatedNormal":
        mean, stddev, low, high = (np.array(p, dtype) for p in a["parameters"])
        return raw(
            shape=shape, means=mean, stdevs=stddev, minvals=low, maxvals=high, **seeds
        )
    if op == "StatefulUniformFullInt":
        start = tf.constant([0, a["seeds"][1], a["seeds"][0]], tf.int64)
        state = tf.Variable(start, use_resource=True)
        return raw(resource=state.handle, algorithm=1, shape=shape, dtype=dtype)
    return raw(shape=shape, dtype=dtype, **seeds)


def main():
    """Draw every case and write the file beside this one."""
    out = {}
    one_thread = tf.ConfigProto(intra_op_parallelism_threads=1)
    for op, dtype, arguments in cases():
        with tf.Graph().as_default():
            tensor = build(op, dtype, arguments)
            initializer = tf.global_variables_initializer()
            with tf.Session(config=one_thread) as session:
                session.run(initializer)
                runs = 1 if op.startswith("Stateless") else 3
                drawn = np.stack([session.run(tensor) for _ in range(runs)])
        if drawn[0].size > LONG:
            drawn = np.array([zlib.crc32(run.tobytes()) for run in drawn], np.uint32)
        elif dtype == "bfloat16":
            drawn = drawn.astype(np.float32)
        out[json.dumps([op, dtype, arguments])] = drawn
    seeds = []
    for graph_seed in (None, 0, 5, 2**31 - 1, -3):
        for op_seed in (None, 0, 7, 2**31 + 8, -1):
            with tf.Graph().as_default():
                tf.constant(0), tf.constant(1)
                tf.set_random_seed(graph_seed)
                found = tf.get_seed(op_seed)
                seeds.append([graph_seed, op_seed, list(found)])
    out["op_seeds"] = np.array(json.dumps(seeds))
    here = os.path.dirname(os.path.abspath(__file__))
    np.savez_compressed(os.path.join(here, "philox.npz"), **out)


if __name__ == "__main__":
    main()
