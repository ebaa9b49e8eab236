"""Reads the lines of `keras_cases` with TensorFlow 1.15, or with what is like it."""

import math

import numpy as np


def names(tf):
    """What the lines call by name."""
    p = np.array([[math.sin(1.7 * i + j) ** 2 for i in range(4)] for j in range(3)])
    p = (0.9 * p + 0.05).astype(np.float32)
    keras = tf.keras
    return {
        "tf": tf,
        "np": np,
        "t": tf.constant,
        "L": keras.losses,
        "M": keras.metrics,
        "O": keras.optimizers,
        "y": np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]], np.float32),
        "p": p,
        "c": np.array([1, 0, 2]),
        "w": np.array([1.0, 0.0, 2.5], np.float32),
        "decay": keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5),
    }


def numbers(value):
    """An array as its shape and numbers."""
    array = np.asarray(value, np.float64)
    return [list(array.shape), [float(f"{x:.7g}") for x in array.ravel()]]


class Mode:
    """Values of tensors: by a session, or at once."""

    def __init__(self, tf, eager):
        self.tf, self.eager, self.session = tf, eager, None

    def value(self, tensor):
        if self.eager:
            return tensor.numpy()
        return self.ready().run(tensor)

    def ready(self):
        """The session that Keras uses, with all variables initialized."""
        return self.tf.keras.backend.get_session()

    def step(self, operation):
        """Run an operation, which in eager mode has been."""
        if not self.eager:
            self.ready().run(operation)


def told(error):
    """An error as text: its class and the first line of what it says."""
    line = str(error).partition("\n")[0]
    text = f"{type(error).__name__}: {line}"
    return text.replace("ExponentialDecay.__init__", "__init__")


def attempt(run, *args):
    try:
        return run(*args)
    except Exception as error:
        return told(error)


def value_of(mode, line):
    return numbers(mode.value(eval(line, names(mode.tf))))


def fact(mode, line):
    found = eval(line, names(mode.tf))
    if hasattr(found, "read_value"):
        found = float(mode.value(found))
    return shown(found)


def shown(value):
    """A configuration as text, numbers in few digits."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(v) for v in value) + "]"
    if isinstance(value, (float, np.floating)):
        return f"{value:.5g}"
    return value if isinstance(value, str) else repr(value)


def called(mode, metric, calls):
    """The values of a metric after each call, and what it keeps."""
    found = []
    for args in calls:
        if mode.eager:
            result = metric(*args)
        else:
            update, result = metric.update_state(*args), metric.result()
            if hasattr(update, "op"):
                update = update.op
            mode.step(update)
        found.append(numbers(mode.value(result)))
    if hasattr(metric, "normalizer"):
        return found
    metric.reset_states()
    kept = [[v.name, numbers(v)] for v in zeros(mode, metric)]
    return [found, kept, metric.name, shown(metric.get_config())]


class Named:
    """A variable's name and value."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def __array__(self, *args, **kwargs):
        return np.asarray(self.value)


def zeros(mode, metric):
    return [Named(v.name, value) for v, value in pairs(metric)]


def pairs(metric):
    values = metric.get_weights()
    return [(v, values[i]) for i, v in enumerate(metric.weights)]


def metric_of(mode, line):
    known = names(mode.tf)
    y, p = known["y"], known["p"]
    return called(mode, eval(line, known), [(y, p), (np.round(p), p, y[:, :1] + 1)])


def call_of(mode, line):
    known = names(mode.tf)
    metric, first, second = line.split("|")
    calls = [eval(f"({text},)", known) for text in (first, second)]
    return called(mode, eval(metric, known), calls)


def optimized(mode, line):
    """Variables and slots after three steps; the rows of one are looked up."""
    tf, known = mode.tf, names(mode.tf)
    optimizer = eval(line, known)
    a = tf.Variable(known["p"], name="a", use_resource=True)
    b = tf.Variable(known["p"].T, name="b", use_resource=True)
    both = [a, b]

    def loss():
        rows = tf.gather(b, [1, 3, 1])
        return tf.reduce_sum(tf.sin(a) * tf.constant(known["y"])) + tf.reduce_sum(
            rows * rows
        )

    if mode.eager:
        for _ in range(3):
            optimizer.minimize(loss, both)
    else:
        step = optimizer.minimize(loss, both)
        session = mode.ready()
        session.run([v.initializer for v in both])
        for _ in range(3):
            session.run(step)
    state = optimizer.get_weights()
    kept = [[v.name, numbers(state[i])] for i, v in enumerate(optimizer.weights)]
    values = [numbers(mode.value(v)) for v in both]
    optimizer.set_weights([x + 1 for x in state])
    raised = [numbers(x) for x in optimizer.get_weights()]
    config = shown(optimizer.get_config())
    rate = optimizer.lr
    rate = numbers(mode.value(rate)) if hasattr(rate, "read_value") else ""
    return [values, kept, raised, config, rate]


#: how the lines of each kind are read
KINDS = {
    "values": value_of,
    "facts": fact,
    "metrics": metric_of,
    "calls": call_of,
    "optimizers": optimized,
}


def all_lines(cases):
    """Each kind with each of its lines."""
    return [
        (kind, line)
        for kind in KINDS
        for line in getattr(cases, kind.upper()).splitlines()
        if line
    ]


def read(mode, kind, line):
    """What a line gives."""
    return attempt(KINDS[kind], mode, line)
