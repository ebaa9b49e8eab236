"""The workloads by hand in JAX: jit, value_and_grad, donated parameters.

PYTHON jax_programs.py jax WORKLOAD SECONDS
"""

import itertools
import json
import resource
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

clock = time.perf_counter
keys = iter(jax.random.split(jax.random.PRNGKey(0), 1000))


def data(*shape):
    return np.random.RandomState(0).standard_normal(shape).astype(np.float32)


def classes(n):
    return np.random.RandomState(1).randint(0, 10, n).astype(np.int32)


def layer(cin, cout):
    w = 0.05 * jax.random.normal(next(keys), (cin, cout))
    return {"w": w, "b": jnp.zeros(cout)}


def dense(p, x):
    return x @ p["w"] + p["b"]


def cross_entropy(logits, labels):
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return -picked.mean()


def sgd(rate):
    return (
        lambda p: (),
        lambda g, s, p: (jax.tree.map(lambda p, g: p - rate * g, p, g), s),
    )


def adam(rate, b1=0.9, b2=0.999, eps=1e-8):
    def init(p):
        zeros = jax.tree.map(jnp.zeros_like, p)
        return zeros, jax.tree.map(jnp.zeros_like, p), jnp.float32(0)

    def update(g, state, p):
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: m + (1 - b1) * (g - m), m, g)
        v = jax.tree.map(lambda v, g: v + (1 - b2) * (g * g - v), v, g)
        step = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
        p = jax.tree.map(lambda p, m, v: p - step * m / (jnp.sqrt(v) + eps), p, m, v)
        return p, (m, v, t)

    return init, update


def first_program():
    x = np.array([-1, -2], np.float32)

    def loss(w, x):
        y = w * x
        return jnp.sum(y[1] * y * 1e-3)

    return loss, jnp.array([2.0, 3.0]), sgd(1e-3), (x,)


def mlp():
    p = [layer(784, 256), layer(256, 128), layer(128, 10)]

    def loss(p, x, y):
        h = jax.nn.relu(dense(p[1], jax.nn.relu(dense(p[0], x))))
        return cross_entropy(dense(p[2], h), y)

    return loss, p, adam(1e-3), (data(64, 784), classes(64))


def logistic():
    return (
        (lambda p, x, y: cross_entropy(dense(p, x), y)),
        layer(784, 10),
        sgd(0.01),
        (data(100, 784), classes(100)),
    )


def chain(n):
    def build():
        def loss(x):
            h = x
            for _ in range(n // 2):
                h = h * h + 0.001
            return h

        return loss, jnp.float32(0.5), None, ()

    return build


def many_variables():
    p = [jnp.ones(10) for _ in range(400)]
    return (lambda p: sum(jnp.sum(v * v) for v in p)), p, sgd(1e-3), ()


def conv(p, x):
    y = jax.lax.conv_general_dilated(
        x, p["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    y = jax.nn.relu(y + p["b"])
    return jax.lax.reduce_window(
        y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME"
    )


def filters(taps, cin, cout):
    w = 0.1 * jax.random.normal(next(keys), (taps, taps, cin, cout))
    return {"w": w, "b": jnp.zeros(cout)}


def lenet():
    p = [filters(5, 1, 32), filters(5, 32, 64), layer(3136, 1024), layer(1024, 10)]

    def loss(p, x, y):
        h = conv(p[1], conv(p[0], x)).reshape(x.shape[0], -1)
        return cross_entropy(dense(p[3], jax.nn.relu(dense(p[2], h))), y)

    return loss, p, adam(1e-4), (data(64, 28, 28, 1), classes(64))


def norm(p, x):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p["g"] + p["b"]


def transformer(batch=8, length=128, width=256, heads=4):
    def scale():
        return {"g": jnp.ones(width), "b": jnp.zeros(width)}

    def block():
        return {
            "n1": scale(),
            "n2": scale(),
            "q": layer(width, width),
            "k": layer(width, width),
            "v": layer(width, width),
            "o": layer(width, width),
            "up": layer(width, 4 * width),
            "down": layer(4 * width, width),
        }

    p = {
        "table": 0.02 * jax.random.normal(next(keys), (1000, width)),
        "blocks": [block() for _ in range(4)],
        "n": scale(),
    }

    def split(t):
        return t.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3)

    def loss(p, ids):
        x = p["table"][ids].reshape(batch * length, width)
        for b in p["blocks"]:
            h = norm(b["n1"], x)
            q, k, v = (split(dense(b[n], h)) for n in "qkv")
            scores = jax.nn.softmax(
                q @ k.transpose(0, 1, 3, 2) * (width // heads) ** -0.5
            )
            mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(batch * length, width)
            x = x + dense(b["o"], mixed)
            h = dense(b["up"], norm(b["n2"], x))
            x = x + dense(b["down"], h * jax.nn.sigmoid(1.702 * h))
        return cross_entropy(norm(p["n"], x) @ p["table"].T, ids.reshape(-1))

    ids = np.random.RandomState(2).randint(0, 1000, [batch, length]).astype(np.int32)
    return loss, p, adam(1e-4), (ids,)


def second_derivatives():
    sizes = [2] + [20] * 8 + [1]
    p = [layer(a, b) for a, b in itertools.pairwise(sizes)]

    def network(p, x, t):
        h = jnp.concatenate([x, t], 1)
        for q in p[:-1]:
            h = jnp.tanh(dense(q, h))
        return dense(p[-1], h)

    def loss(p, x, t):
        u, back = jax.vjp(lambda x, t: network(p, x, t), x, t)
        u_x, u_t = back(jnp.ones_like(u))
        slope = lambda x: jax.grad(lambda x: network(p, x, t).sum())(x)
        u_xx = jax.vjp(slope, x)[1](jnp.ones_like(x))[0]
        return jnp.mean((u_t + u * u_x - 0.003 * u_xx) ** 2)

    return loss, p, adam(1e-3), (data(5000, 1), data(5000, 1))


WORK = dict(
    first_program=first_program,
    mlp=mlp,
    logistic=logistic,
    chain_1k=chain(1000),
    chain_5k=chain(5000),
    many_variables=many_variables,
    lenet=lenet,
    transformer=transformer,
    second_derivatives=second_derivatives,
)


def main():
    name, seconds = sys.argv[2], float(sys.argv[3])
    if name not in WORK:
        print(json.dumps({}))
        return
    started = clock()
    loss, p, optimizer, feed = WORK[name]()
    if optimizer is None:
        both = jax.jit(jax.value_and_grad(loss))
        state, step = None, lambda p, s: (both(p)[1] * 0 + p, s)
        step = lambda p, s: (both(p), s)
        argument = p
    else:
        init, update = optimizer
        state = init(p)

        @partial(jax.jit, donate_argnums=(0, 1))
        def train(p, s, *feed):
            g = jax.grad(loss)(p, *feed)
            return update(g, s, p)

        step = lambda p, s: train(p, s, *feed)
        argument = None
    built = clock() - started

    def once():
        nonlocal p, state
        if argument is not None:
            jax.block_until_ready(step(argument, state)[0])
            return
        p, state = step(p, state)
        jax.block_until_ready(p)

    started = clock()
    once()
    first = clock() - started
    times, cpu, end = [], time.process_time(), clock() + seconds
    while clock() < end or len(times) < 3:
        started = clock()
        once()
        times.append(clock() - started)
    cpu = (time.process_time() - cpu) / len(times)
    print(
        json.dumps(
            dict(
                build=built,
                gradients=0.0,
                first=first,
                step=sorted(times)[len(times) // 2],
                mean=sum(times) / len(times),
                cpu=cpu,
                runs=len(times),
                memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            )
        )
    )


main()
