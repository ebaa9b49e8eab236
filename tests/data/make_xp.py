"""Write xp.npz: what TensorFlow 1.15 computes where the meaning of a kernel is subtle.

Run under TensorFlow 1.15: `python make_xp.py`. Every case is a set of arrays named
`kind/number/what`; the attributes of a case are arrays too.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf

HERE = os.path.dirname(os.path.abspath(__file__))
random = np.random.RandomState(7)
saved = {}


def run(build, *arrays):
    with tf.Graph().as_default(), tf.Session() as session:
        fed = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        fed_by = {fed[i]: a for i, a in enumerate(arrays)}
        return session.run(build(*fed), fed_by)


def save(kind, **arrays):
    number = sum(k.startswith(kind + "/") and k.endswith("/case") for k in saved)
    for name, value in dict(arrays, case=number).items():
        saved[f"{kind}/{number}/{name}"] = np.asarray(value)


def normal(*shape):
    return random.randn(*shape).astype("float32")


def few(*shape):
    return random.randint(0, 4, shape).astype("float32")


def convolution(size, ksize, strides, padding, channels):
    c, o = channels
    x, f = normal(2, *(*size, c)), normal(*(*ksize, c, o))
    step = (1, *strides, 1)
    conv = tf.nn.conv2d if len(size) == 2 else tf.nn.conv3d
    linear("conv", x, f, strides, padding, lambda x, f: conv(x, f, step, padding))


def depthwise(size, ksize, stride, padding, m):
    x, f = normal(2, *(*size, 3)), normal(*(*ksize, 3, m))
    step = [1, stride, stride, 1]
    linear(
        "depthwise",
        x,
        f,
        [stride] * 2,
        padding,
        lambda x, f: tf.nn.depthwise_conv2d(x, f, step, padding),
    )


def linear(kind, x, f, strides, padding, forward):
    y = run(forward, x, f)
    dy = normal(*y.shape)
    dx, df = run(lambda x, f, dy: tf.gradients(forward(x, f), [x, f], dy), x, f, dy)
    save(kind, x=x, f=f, y=y, dy=dy, dx=dx, df=df, strides=strides, padding=padding)


def pool(size, ksize, strides, padding):
    x = few(2, *(*size, 3))
    flat = len(size) == 2
    k, s = (1, *ksize, 1), (1, *strides, 1)

    def largest(x):
        return (tf.nn.max_pool if flat else tf.nn.max_pool3d)(x, k, s, padding)

    def average(x):
        return (tf.nn.avg_pool if flat else tf.nn.avg_pool3d)(x, k, s, padding)

    def second(x, y, g):
        names = dict(orig_input=x, orig_output=y, grad=g)
        return tf.raw_ops.MaxPoolGradGrad(ksize=k, strides=s, padding=padding, **names)

    def places(x, batch):
        return tf.nn.max_pool_with_argmax(
            x, k, s, padding, include_batch_in_index=batch
        )

    out = dict(max=run(largest, x), avg=run(average, x), ddx=normal(*x.shape))
    out["dy"] = dy = normal(*out["max"].shape)
    out["dmax"] = run(lambda x, dy: tf.gradients(largest(x), x, dy)[0], x, dy)
    out["davg"] = run(lambda x, dy: tf.gradients(average(x), x, dy)[0], x, dy)
    if flat:
        out["ddmax"] = run(second, x, out["max"], out["ddx"])
        out["argmax0"] = run(lambda x: places(x, False), x)[1]
        out["argmax1"] = run(lambda x: places(x, True), x)[1]
    save("pool", x=x, ksize=ksize, strides=strides, padding=padding, **out)


def segments(dtype):
    data = (few(6, 2) + 1).astype(dtype)
    ids = np.array([4, 0, -1, 0, 2, 4], "int32")
    kinds = ("sum", "prod", "max", "min")
    of = {k: getattr(tf, "unsorted_segment_" + k) for k in kinds}
    out = {k: run(lambda d, i, f=of[k]: f(d, i, 5), data, ids) for k in kinds}
    save("unsorted", data=data, ids=ids, **out)
    ids = np.array([0, 0, 2, 2, 2, 4], "int32")
    of = {k: getattr(tf.math, "segment_" + k) for k in kinds}
    save("sorted", data=data, ids=ids, **{k: run(of[k], data, ids) for k in kinds})


def casts(x, kinds):
    out = {kind: run(lambda x, to=kind: tf.cast(x, to), x) for kind in kinds.split()}
    save("cast", x=x, **out)


def special(dtype):
    wide = [-100.5, -20.2, -5.5, -3, -2.5, -1, -0.75, -0.1, 0, 1e-5, 0.1, 0.5, 1]
    wide = np.array([*wide, 1.5, 2, 3.7, 5, 10, 30, 150, np.inf, np.nan], dtype)
    unit = [0, 1e-6, 0.02, 0.1, 0.3, 0.5, 0.77, 0.95, 0.999, 1]
    for name in "erf erfc lgamma digamma bessel_i0e bessel_i1e".split():
        save("special_" + name, args=[wide], y=run(getattr(tf.math, name), wide))
    save("special_softplus", args=[wide], y=run(tf.nn.softplus, wide))

    def grid(*axes):
        return [np.ravel(g).astype(dtype) for g in np.meshgrid(*axes)]

    shapes = [-1, 0, 0.01, 0.5, 1, 2.5, 10, 80]
    both = grid(shapes, [-1, 0, 0.01, 0.4, 1, 3, 9, 30, 100])
    orders = grid([-1, 0, 1, 2, 3.5, 5], [-1.5, -1, 0.3, 1, 4, 20])
    for name, function, args in (
        ("igamma", tf.math.igamma, both),
        ("igammac", tf.math.igammac, both),
        ("igamma_grad_a", lambda a, x: tf.raw_ops.IgammaGradA(a=a, x=x), both),
        (
            "random_gamma_grad",
            lambda a, x: tf.raw_ops.RandomGammaGrad(alpha=a, sample=x),
            both,
        ),
        ("polygamma", tf.math.polygamma, orders),
        ("zeta", tf.math.zeta, orders),
        ("betainc", tf.math.betainc, grid([0, 0.3, 2, 15], [0, 0.5, 4], unit)),
    ):
        save("special_" + name, args=args, y=run(function, *args))


convolution((5, 6), (3, 3), (1, 1), "SAME", (2, 3))
convolution((5, 6), (3, 2), (2, 2), "SAME", (3, 2))
convolution((7, 7), (3, 3), (2, 2), "VALID", (2, 2))
convolution((8, 8), (2, 2), (3, 3), "SAME", (1, 2))
convolution((6, 5), (1, 1), (2, 2), "SAME", (2, 2))
convolution((4, 4), (5, 5), (1, 1), "SAME", (1, 1))
convolution((4, 5, 6), (3, 2, 3), (1, 1, 1), "SAME", (2, 2))
convolution((5, 5, 4), (2, 3, 2), (2, 1, 2), "SAME", (1, 2))
convolution((5, 5, 4), (2, 3, 2), (2, 2, 2), "VALID", (2, 1))
depthwise((5, 6), (3, 3), 1, "SAME", 1)
depthwise((5, 6), (3, 2), 2, "SAME", 2)
depthwise((6, 7), (2, 3), 2, "VALID", 3)
pool((6, 6), (2, 2), (2, 2), "VALID")
pool((5, 7), (2, 2), (2, 2), "SAME")
pool((7, 6), (3, 3), (2, 2), "SAME")
pool((7, 6), (3, 2), (1, 2), "VALID")
pool((5, 5), (3, 3), (1, 1), "SAME")
pool((5, 5), (2, 2), (3, 3), "VALID")
pool((4, 5, 6), (2, 2, 2), (2, 2, 2), "SAME")
pool((4, 5, 4), (3, 2, 3), (1, 2, 1), "SAME")
segments("float32")
segments("int32")
VALUES = [1e10, -1e10, np.nan, np.inf, -np.inf, -1.9, 1.5, 300, -129, 40000, -3]
VALUES += [2.9e9, 5e18, 2e19, 0, -0.5]
for source in ("float32", "float64", "float16"):
    casts(
        np.array(VALUES).astype(source),
        "int8 uint8 int16 uint16 int32 int64 uint32 uint64 bool",
    )
casts(
    np.array([1j, 0, 1 + 2j, -2.7], "complex64"),
    "bool int32 float32 float64 complex128",
)
special("float32")
special("float64")
np.savez_compressed(os.path.join(HERE, "xp.npz"), **saved)
print(len(saved), "arrays")
