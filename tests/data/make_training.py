"""Write training.json: what each op of tests/ops/training_cases.py does.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import json
import pathlib
import re
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.training import gen_training_ops

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "ops"))

import training_cases  # noqa: E402


def raw(op_type):
    snake = op_type.replace("RMSProp", "RmsProp").replace("FtrlV2", "Ftrl_v2")
    snake = snake.replace("AdagradV2", "Adagrad_v2").replace("DA", "Da")
    snake = re.sub("(?<!^)(?<!_)([A-Z])", r"_\1", snake).lower()
    return getattr(gen_training_ops, snake)


def main():
    found = {}
    for name, op_type, dtype, attrs in training_cases.cases():
        with tf.Graph().as_default(), tf.Session() as session:
            made = training_cases.build(tf, raw, op_type, dtype, attrs)
            variables, update = made
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(update)
            found[name] = [
                [float(format(x, ".7g")) for x in v.astype(np.float64).ravel()]
                for v in session.run(variables)
            ]
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    (HERE / "training.json").write_text(text + "\n")


main()
