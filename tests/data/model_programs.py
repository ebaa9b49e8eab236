"""Programs with models of Keras that both TensorFlows must agree on.

Each function takes the module `tf` and gives what JSON can hold: numbers to compare
closely, texts to compare exactly. Functions whose names begin with `error_` raise.
Weights are set by `settle`, since initial ones depend on the order of operations.
"""

import numpy as np

X = np.sin(np.arange(60)).reshape(20, 3).astype(np.float32)
Y = np.cos(np.arange(40)).reshape(20, 2).astype(np.float32)
CLASSES = np.arange(20) % 3


def settle(model):
    pairs = list(zip(model.get_weights(), model.weights))  # noqa: B905 - Python 3.7
    model.set_weights(
        [
            np.sin(i + np.arange(w.size)).reshape(w.shape).astype(w.dtype) * 0.5
            + (1.0 if "variance" in v.name else 0.0)
            for i, (w, v) in enumerate(pairs)
        ]
    )
    return model


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return np.asarray(value).tolist()


def summary(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return lines


def history(model, *args, **kwargs):
    np.random.seed(0)
    found = model.fit(*args, verbose=0, **kwargs)
    return plain(found.history)


def classifier(tf):
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Dense(4, activation="relu", input_shape=(3,)),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return settle(model)


def two_outputs(tf, **kwargs):
    layers = tf.keras.layers
    x = tf.keras.Input((3,), name="a")
    hidden = layers.Dense(4, activation="tanh", name="hidden")(x)
    one = layers.Dense(2, name="one")(hidden)
    two = layers.Dense(1, activation="sigmoid", kernel_regularizer="l2", name="two")(
        hidden
    )
    model = tf.keras.Model(x, [one, two])
    model.compile("sgd", ["mse", "binary_crossentropy"], **kwargs)
    return settle(model)


def sequential(tf):
    model = classifier(tf)
    fitted = history(model, X, CLASSES, batch_size=8, epochs=3, validation_split=0.2)
    return {
        "summary": summary(model),
        "history": fitted,
        "evaluated": plain(model.evaluate(X, CLASSES, verbose=0)),
        "predicted": plain(model.predict(X)),
        "names": model.metrics_names,
        "weights": [v.name for v in model.weights],
        "state": [v.name for v in model.optimizer.weights],
        "json": model.to_json(),
        "layers": [layer.name for layer in model.layers],
    }


def weights_of_samples_and_classes(tf):
    model = classifier(tf)
    return [
        history(model, X, CLASSES, class_weight={0: 1.0, 1: 0.5, 2: 2.0}, batch_size=6),
        history(model, X, CLASSES, sample_weight=np.arange(20.0), batch_size=7),
        plain(model.train_on_batch(X, CLASSES, sample_weight=np.arange(20.0))),
        plain(model.evaluate(X, CLASSES, sample_weight=np.arange(20.0), verbose=0)),
    ]


def several_outputs(tf):
    labels = (CLASSES > 0).astype(np.float32)
    model = two_outputs(
        tf,
        loss_weights=[0.5, 2.0],
        metrics={"one": ["mae"], "two": ["accuracy"]},
        weighted_metrics={"two": ["accuracy"]},
    )
    return {
        "history": history(
            model, X, [Y, labels], epochs=2, validation_data=(X, [Y, labels])
        ),
        "by_name": history(model, {"a": X}, {"one": Y, "two": labels}, epochs=1),
        "names": model.metrics_names,
        "summary": summary(model),
        "batch": plain(model.test_on_batch(X, [Y, labels])),
    }


def shared_and_nested(tf):
    layers = tf.keras.layers
    x = tf.keras.Input((3,), name="x")
    dense = layers.Dense(3, name="shared")
    inner_x = tf.keras.Input((3,), name="inner_x")
    inner = tf.keras.Model(inner_x, dense(layers.Dense(3)(inner_x)), name="inner")
    y = layers.add([dense(x), inner(x)])
    model = settle(tf.keras.Model(x, y, name="outer"))
    model.compile("sgd", "mse")
    copy = tf.keras.Model.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return {
        "summary": summary(model),
        "wide": summary(model, line_length=120),
        "predicted": plain(model.predict(X)),
        "same": bool(np.allclose(model.predict(X), copy.predict(X))),
        "json": model.to_json(),
        "history": history(model, X, X, epochs=2),
        "weights": [v.name for v in model.weights],
    }


def subclassed(tf):
    layers = tf.keras.layers

    class Net(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(4, activation="tanh"), layers.Dense(2)]

        def call(self, inputs):
            for part in self.parts:
                inputs = part(inputs)
            return inputs

    model = Net()
    model.compile("sgd", "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    settle(model)
    return {
        "history": history(model, X, Y, epochs=2),
        "predicted": plain(model.predict(X)),
        "weights": [v.name for v in model.weights],
        "summary": summary(model),
        "outputs": model.output_names,
    }


def added_losses_and_metrics(tf):
    layers = tf.keras.layers
    x = tf.keras.Input((3,))
    hidden = layers.Dense(2, name="hidden")(x)
    back = layers.Dense(3, name="back")(hidden)
    model = tf.keras.Model(x, back)
    model.add_loss(tf.reduce_mean(tf.square(back - x)))
    model.add_metric(tf.reduce_sum(hidden), name="size", aggregation="mean")
    settle(model)
    model.compile("sgd")
    return {
        "history": history(model, X, epochs=2, batch_size=5),
        "names": model.metrics_names,
        "layers": [layer.name for layer in model.layers],
    }


def operations_as_layers(tf):
    layers = tf.keras.layers
    x = tf.keras.Input((3,), name="x")
    y = tf.nn.relu(layers.Dense(2, name="d")(x)) + 1.0
    y = tf.concat([y, x], axis=1)
    model = settle(tf.keras.Model(x, layers.Dense(1, name="e")(y)))
    return {
        "summary": summary(model),
        "predicted": plain(model.predict(X)),
        "config": model.get_config()["layers"][2:4],
    }


def deferred(tf):
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Dense(4), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    settle(model)
    return {
        "history": history(model, X, Y),
        "summary": summary(model),
        "weights": [v.name for v in model.weights],
    }


def masked(tf):
    layers = tf.keras.layers
    steps = np.tile(X[:, None], (1, 4, 1))
    steps[:, 2:] = 0.0
    x = tf.keras.Input((4, 3))
    y = layers.TimeDistributed(layers.Dense(2, name="d"))(layers.Masking()(x))
    model = settle(tf.keras.Model(x, y))
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    target = np.ones((20, 4, 2), np.float32)
    return [
        history(model, steps, target),
        history(model, steps, target, sample_weight=np.ones((20, 4))),
    ]


def clones(tf):
    model = two_outputs(tf)
    copy = tf.keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return {
        "layers": [layer.name for layer in copy.layers],
        "predicted": plain(copy.predict(X)),
    }


# ------------------------------------------------------------------------------ errors


def error_disconnected(tf):
    a, b = tf.keras.Input((3,), name="a"), tf.keras.Input((3,), name="b")
    tf.keras.Model(a, tf.keras.layers.add([a, b]))


def error_same_input_twice(tf):
    a = tf.keras.Input((3,), name="a")
    tf.keras.Model([a, a], tf.keras.layers.add([a, a]))


def error_same_name(tf):
    a = tf.keras.Input((3,), name="a")
    one = tf.keras.layers.Dense(2, name="q")(a)
    tf.keras.Model(a, tf.keras.layers.Dense(2, name="q")(one))


def error_no_such_layer(tf):
    classifier(tf).get_layer("nope")


def error_not_compiled(tf):
    tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))]).fit(X, Y)


def error_wrong_input(tf):
    classifier(tf).fit(X[:, :2], CLASSES)


def error_wrong_rank(tf):
    classifier(tf).predict(X[..., None])


def error_wrong_target(tf):
    two_outputs(tf).fit(X, [X, X[:, :1]])


def error_number_of_targets(tf):
    two_outputs(tf).fit(X, [np.ones((20, 2, 1))])


def error_number_of_samples(tf):
    classifier(tf).fit(X, CLASSES[:5])


def error_unknown_loss(tf):
    classifier(tf).compile("sgd", "nope")


def error_losses(tf):
    two_outputs(tf).compile("sgd", ["mse"])


def error_loss_names(tf):
    two_outputs(tf).compile("sgd", {"zz": "mse"})


def error_class_weight(tf):
    classifier(tf).fit(X, CLASSES, class_weight={0: 1.0})


def error_sample_weight(tf):
    classifier(tf).fit(X, CLASSES, sample_weight=np.ones((20, 2)))


def error_categorical(tf):
    model = classifier(tf)
    model.compile("sgd", "categorical_crossentropy")
    model.fit(X, CLASSES)


def error_unknown_argument(tf):
    classifier(tf).fit(X, CLASSES, foo=1)


def error_tensors_without_steps(tf):
    classifier(tf).fit(tf.constant(X), tf.constant(CLASSES))


def error_not_built(tf):
    tf.keras.Sequential([tf.keras.layers.Dense(2)]).summary()


def error_no_super(tf):
    class Net(tf.keras.Model):
        def __init__(self):
            self.part = tf.keras.layers.Dense(2)

    Net()


def error_several_outputs_in_a_row(tf):
    x = tf.keras.Input((3,))
    inner = tf.keras.Model(x, [x, tf.keras.layers.Dense(2)(x)])
    tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(3,)), inner])


def error_not_a_layer(tf):
    tf.keras.Sequential([3])


def error_weights_of_another_model(tf):
    classifier(tf).set_weights([np.ones(2)])
