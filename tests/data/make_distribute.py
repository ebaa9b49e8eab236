"""Writes distribute.json: programs for several devices under TensorFlow 1.15.

Run with TensorFlow 1.15 from the root of the repository:
    python -m tests.data.make_distribute
"""

import json
import os

import tensorflow as tf

from tests.distribute import programs

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = tf.compat.v1.ConfigProto(device_count={"CPU": 2})


def evaluated(read, updates=()):
    """The values of `read`, before and after each of `updates`."""
    with tf.Session(config=CONFIG) as session:
        session.run(tf.global_variables_initializer())
        found = [session.run(read)]
        for update in updates:
            session.run(update)
            found.append(session.run(read))
    return [{k: v.tolist() for k, v in values.items()} for values in found]


def trained(strategy, optimizer):
    with tf.Graph().as_default():
        update, read = programs.training(tf, strategy, optimizer)
        return evaluated(read, [update] * 3)


def main():
    data = {"graphs": {}, "training": {}}
    for strategy in programs.STRATEGIES:
        with tf.Graph().as_default() as graph:
            programs.training(tf, strategy, "momentum")
            data["graphs"][strategy] = programs.listing(graph)
    for strategy in programs.STRATEGIES:
        for optimizer in programs.OPTIMIZERS:
            name = strategy + " " + optimizer
            data["training"][name] = trained(strategy, optimizer)
    with tf.Graph().as_default():
        updates, read = programs.variables(tf)
        data["variables"] = evaluated(read, updates)
    with tf.Graph().as_default():
        data["reductions"] = evaluated(programs.reductions(tf))[0]
    with tf.Graph().as_default():
        data["merges"] = programs.merges(tf)
    with tf.Graph().as_default():
        data["messages"] = programs.messages(tf)
    with open(os.path.join(HERE, "distribute.json"), "w") as stream:
        json.dump(data, stream, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
