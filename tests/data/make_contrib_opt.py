"""Write contrib_opt.json: steps of TensorFlow 1.15.5's optimizers of tf.contrib.

Run under Python 3.7 with tensorflow==1.15.5: `python make_contrib_opt.py`.
"""

import json
import os

import contrib_opt_runs
import tensorflow as tf
from tensorflow.contrib.opt.python.training import sign_decay


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    names = contrib_opt_runs.OPTIMIZERS
    found = {name: contrib_opt_runs.run(tf, name, sign_decay) for name in names}
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "contrib_opt.json"), "w") as stream:
        stream.write(json.dumps(found, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
