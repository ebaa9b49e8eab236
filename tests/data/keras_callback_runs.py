"""What Keras' callbacks and its bar print, of TensorFlow 1.15 or what is like it."""

import logging
import os
import tempfile
import time

import numpy as np


class Clock:
    """Time that goes on a little whenever it is looked at."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 0.01
        return self.now


class Printed(logging.Handler):
    """Warnings, but for those about TensorFlow itself."""

    def emit(self, record):
        text = record.getMessage()
        if "tf.compat.v1" not in text and "BaseResourceVariable" not in text:
            print("WARN " + text)


class Model:
    """What callbacks know of a model."""

    stop_training = False
    _is_graph_network = True

    def __init__(self, tf):
        class Optimizer:
            lr = tf.Variable(0.5, use_resource=True)

        self.optimizer, self.epoch = Optimizer(), 0
        self.metrics_names = ["loss", "acc"]
        self.session = tf.keras.backend.get_session()
        self.session.run(self.optimizer.lr.initializer)

    def _get_callback_model(self):
        return self

    def _in_multi_worker_mode(self):
        return False

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        print("set", weights)

    def save(self, path, overwrite=None):
        print("save", path, overwrite)

    def save_weights(self, path, overwrite=None):
        print("save_weights", path, overwrite)


class Runs:
    """Runs of training that print; a list of their names and functions."""

    def __init__(self, tf, callbacks, progbar, clock):
        self.tf, self.C, self.Progbar, self.clock = tf, callbacks, progbar, clock

    def fit(self, own, losses, verbose=0, count="steps", val=None):
        """Train on losses that are given."""
        model = Model(self.tf)
        called = self.C.configure_callbacks(
            own,
            model,
            do_validation=val is not None,
            batch_size=2,
            epochs=len(losses),
            steps_per_epoch=2,
            samples=4,
            verbose=verbose,
            count_mode=count,
        )
        make_logs = self.C.make_logs
        called._call_begin_hook("train")
        for epoch, loss in enumerate(losses):
            model.epoch = epoch
            called.on_epoch_begin(epoch)
            for batch in range(2):
                logs = {"batch": batch, "size": 2}
                called._call_batch_hook("train", "begin", batch, logs)
                values = [loss + batch, 0.5 + epoch]
                logs = make_logs(model, logs, values, "train")
                called._call_batch_hook("train", "end", batch, logs)
                if model.stop_training:
                    break
            logs = make_logs(model, {}, [loss, 0.5 + epoch], "train")
            if val is not None:
                values = [val[epoch], 0.25]
                logs = make_logs(model, logs, values, "train", prefix="val_")
            called.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        called._call_end_hook("train")
        return model

    def shown(self, *args, **kwargs):
        """Train, and print the history and the learning rate."""
        model = self.fit(*args, **kwargs)
        history = sorted(model.history.history.items())
        rows = [(k, [f"{x:.5g}" for x in v]) for k, v in history]
        rate = float(model.session.run(model.optimizer.lr))
        print(model.history.epoch, rows, f"{rate:.5g}")

    def bar(self, *updates, **arguments):
        """A bar, after waits in seconds."""
        bar = self.Progbar(**arguments)
        for wait, current, values in updates:
            self.clock.now += wait
            bar.update(current, values)
        print("")

    def csv(self):
        path = os.path.join(tempfile.mkdtemp(), "log.csv")

        def written():
            with open(path, newline="") as stream:
                print(repr(stream.read()))

        self.fit([self.C.CSVLogger(path)], [3.0, 2.0])
        written()
        self.fit([self.C.CSVLogger(path, append=True)], [1.0])
        written()
        ended = [self.C.CSVLogger(path, separator=";"), self.C.TerminateOnNaN()]
        self.fit(ended, [1.0, float("nan")], val=[1, 2])
        written()
        logger = self.C.CSVLogger(path)
        logger.set_model(Model(self.tf))
        logger.on_train_begin()
        logger.on_epoch_end(0, {"a": [1, 2], "b": np.array(3.0), "c": "x,y"})
        logger.on_train_end()
        written()

    def functions(self):
        callback = self.C.LambdaCallback(
            on_epoch_end=lambda epoch, logs: print("end", epoch, sorted(logs)),
            on_train_begin=lambda logs: print("begin", logs),
            on_batch_begin=lambda batch, logs: print(batch, sorted(logs.items())),
            other=3,
        )
        print(callback.other)
        self.fit([callback], [3.0])

    def own(self):
        runs = self

        class Own(self.C.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                print(sorted(self.params.items(), key=str), self.validation_data)

            def on_train_batch_end(self, batch, logs=None):
                runs.clock.now += 1

        self.fit([Own()], [3.0], val=[1.0])

    def all(self):
        """Run all; errors are printed."""
        C, fit, shown, bar = self.C, self.fit, self.shown, self.bar
        Stop, Best = C.EarlyStopping, C.ModelCheckpoint
        Rate, Plateau = C.LearningRateScheduler, C.ReduceLROnPlateau
        down = [3.0, 2.0, 2.5, 2.6, 1.0]
        runs = [
            lambda: shown([], down),
            lambda: fit([], [3.0, 2.0], verbose=1),
            lambda: fit([], [3.0, 2.0], verbose=2, val=[1.0, 2.0]),
            lambda: fit([], [3.0], verbose=1, count="samples", val=[2.0]),
            lambda: shown([C.TerminateOnNaN()], [3.0, float("nan"), 2.0]),
            lambda: shown([Stop("loss", 0, 1, 1, restore_best_weights=True)], down),
            lambda: shown([Stop(verbose=1)], [3.0, 2.0]),
            lambda: shown([Stop("acc", 2, verbose=1, mode="other")], [3.0, 2.0]),
            lambda: shown([Stop("loss", verbose=1, baseline=1.0)], [3.0, 2.0]),
            lambda: shown([Rate(lambda e: 0.5**e, verbose=1)], [3.0, 2.0]),
            lambda: shown([Rate(lambda e, rate: rate / 2, verbose=1)], [3.0, 2.0]),
            lambda: shown([Rate(lambda e: 1)], [3.0]),
            lambda: shown(
                [Plateau("loss", 0.5, 1, 1, min_lr=0.2, cooldown=1)],
                [*down, 1.0, 1.0, 1.0],
            ),
            lambda: shown([Plateau(mode="other", epsilon=0.1)], [3.0]),
            lambda: Plateau(factor=1.0),
            lambda: fit([Best("a-{epoch:02d}-{loss:.2f}", verbose=1)], [3.0, 2.0]),
            lambda: fit([Best("a", "loss", 1, True, True)], down),
            lambda: fit([Best("a", save_best_only=True, mode="x", period=2)], down),
            lambda: fit([Best("a", save_freq=3)], down),
            lambda: Best("a", save_freq="x"),
            lambda: C.ProgbarLogger("x"),
            self.csv,
            self.functions,
            self.own,
            lambda: bar(
                (0.1, 1, [("loss", 1.5)]),
                (0.01, 2, [("loss", 2.5)]),
                (100.0, 30, [("loss", 2.5), ("acc", 4e-5)]),
                (5000.0, 300, [("loss", 2.5), ("acc", 4e-5)]),
                target=300,
            ),
            lambda: bar(
                (0.1, 1, [("loss", 1.5)]), (9.0, 12, [("loss", 1.0)]), target=None
            ),
            lambda: bar(
                (0.1, 1, [("loss", -1.5), ("a", 1)]),
                (0.1, 2, [("a", 3.0)]),
                (5000.0, 3, None),
                target=9,
                width=10,
                stateful_metrics=["a"],
            ),
            lambda: bar((0.1, 0, None), (0.1, 2, [("a", 3)]), target=2, verbose=0),
        ]
        for number, run in enumerate(runs):
            print(f"## {number}")
            try:
                run()
            except Exception as error:
                line = str(error).partition("\n")[0]
                print(type(error).__name__, line)


def printed(tf, callbacks, progbar):
    """Print all, with a clock of its own."""
    logger, real, clock = logging.getLogger("tensorflow"), time.time, Clock()
    before, handed_on = logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = [Printed()], False
    time.time = clock
    try:
        Runs(tf, callbacks, progbar, clock).all()
    finally:
        time.time = real
        logger.handlers[:], logger.propagate = before, handed_on
