"""Write datasets.json: what TensorFlow 1.15 makes of dataset_cases.txt.

Run under TensorFlow 1.15, from the root: `python tests/data/make_datasets.py`.
"""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import dataset_outcomes  # noqa: E402

saved = {text: dataset_outcomes.outcome(tf, text) for text in dataset_outcomes.cases()}
with open(os.path.join(HERE, "datasets.json"), "w") as stream:
    json.dump(saved, stream, indent=0, separators=(",", ":"))
