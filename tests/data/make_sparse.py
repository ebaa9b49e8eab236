"""Write sparse.json.gz: what TensorFlow 1.15 makes of those in sparse_cases.txt.

Run under TensorFlow 1.15, from the root: `python tests/data/make_sparse.py`. Each
expression runs in a process of its own: some end TensorFlow's.
"""

import gzip
import json
import os
import sys

import tensorflow as tf
from tensorflow.python.ops import ctc_ops, gen_ctc_ops, gen_set_ops, gen_sparse_ops

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "ops"))

import outcomes  # noqa: E402
import sparse_outcomes  # noqa: E402


class Generated:
    """The functions of some generated modules."""

    def __getattr__(self, name):
        modules = gen_sparse_ops, gen_set_ops, gen_ctc_ops
        return next(getattr(m, name) for m in modules if hasattr(m, name))


def main():
    scope = sparse_outcomes.names(tf, Generated(), ctc_ops)
    saved = {}
    for section, texts in sparse_outcomes.cases().items():
        way = outcomes.graph_of if section == "graphs" else outcomes.value_of
        found = {text: outcomes.apart(way, tf, scope, text) for text in texts}
        lost = [text for text, outcome in found.items() if outcome is None]
        print(section, len(found), "lost:", lost)
        saved[section] = {t: o for t, o in found.items() if o is not None}
    text = json.dumps(saved, indent=0, separators=(",", ":"))
    with open(os.path.join(HERE, "sparse.json.gz"), "wb") as stream:
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode())


main()
