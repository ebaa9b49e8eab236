"""Write refused.json: what TensorFlow 1.15 makes of `refused_programs`.

Run it with a Python that has TensorFlow 1.15:  python tests/data/make_refused.py
"""

import json
import os
import sys

import tensorflow as tf
from tensorflow.python.eager import context

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import refused_programs as programs  # noqa: E402


def outcome(program):
    try:
        if program.__name__.startswith("eager_"):
            with context.eager_mode():
                return program(tf).numpy().tolist()
        with tf.Graph().as_default(), tf.Session() as session:
            fetch, feed = program(tf)
            session.run(tf.global_variables_initializer())
            value = session.run(fetch, feed)
            return value if value is None else value.tolist()
    except Exception as error:
        return {type(error).__name__: str(error).split("\n")[0]}


def main():
    found = {
        name: outcome(program)
        for name, program in sorted(vars(programs).items())
        if not name.startswith("_") and callable(program)
    }
    with open(os.path.join(HERE, "refused.json"), "w") as file:
        json.dump(found, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
