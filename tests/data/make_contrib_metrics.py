"""Write contrib_metrics.json: what TensorFlow 1.15.5 makes of metrics of tf.contrib.

Run under Python 3.7 with tensorflow==1.15.5: `python make_contrib_metrics.py`.
"""

import json
import os

import contrib_metric_runs
import tensorflow as tf


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    runs = contrib_metric_runs
    found = {case: runs.run(tf, case) for case in runs.cases()}
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "contrib_metrics.json"), "w") as stream:
        stream.write(json.dumps(found, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
