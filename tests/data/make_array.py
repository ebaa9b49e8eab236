"""Write array.json: what TensorFlow 1.15 makes of the expressions in array_cases.txt.

Run under TensorFlow 1.15, from the root: `python tests/data/make_array.py`. Each
expression runs in a process of its own: some end TensorFlow's.
"""

import json
import os
import sys

import tensorflow as tf
from tensorflow.python.ops import gen_array_ops

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "ops"))

import outcomes  # noqa: E402


def main():
    scope = outcomes.names(tf, gen_array_ops)
    ways = {
        "values": outcomes.value_of,
        "shapes": outcomes.shape_of,
        "graphs": outcomes.graph_of,
    }
    saved = {}
    for section, texts in outcomes.cases().items():
        found = {text: outcomes.apart(ways[section], tf, scope, text) for text in texts}
        lost = [text for text, outcome in found.items() if outcome is None]
        print(section, len(found), "lost:", lost)
        saved[section] = {t: o for t, o in found.items() if o is not None}
    with open(os.path.join(HERE, "array.json"), "w") as stream:
        json.dump(saved, stream, indent=0, separators=(",", ":"))


main()
