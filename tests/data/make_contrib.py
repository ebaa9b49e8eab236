"""Write contrib.json.gz: what TensorFlow 1.15.5 makes of cases of tf.contrib.layers.

Run under Python 3.7 with tensorflow==1.15.5: `python make_contrib.py`.
"""

import gzip
import json
import os

import contrib_runs
import tensorflow as tf


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    found = {case: contrib_runs.run(tf, case) for case in contrib_runs.cases()}
    path = os.path.join(os.path.dirname(__file__), "contrib.json.gz")
    with open(path, "wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as stream:
            stream.write(json.dumps(found, sort_keys=True, indent=0).encode())


if __name__ == "__main__":
    main()
