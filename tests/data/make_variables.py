"""Write variables.json: graphs and values of tests/variables/programs.py.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "variables"))

import programs  # noqa: E402


def main():
    found = {"graphs": {}, "values": {}}
    for name, build in programs.GRAPHS.items():
        with tf.Graph().as_default() as graph:
            build(tf)
            found["graphs"][name] = {
                "operations": programs.listing(graph),
                "collections": programs.collections(tf),
            }
    for name, build in programs.VALUES.items():
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(42)
            fetches = build(tf)
            session.run(tf.global_variables_initializer())
            runs = [session.run(fetches) for _ in range(2)]
            found["values"][name] = {
                key: [np.asarray(run[key]).tolist() for run in runs] for key in fetches
            }
    path = HERE / "variables.json"
    path.write_text(json.dumps(found, indent=None, sort_keys=True) + "\n")


main()
