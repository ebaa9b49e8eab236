"""Write keras.json.gz: what TensorFlow 1.15 makes of `keras_cases`, in both modes.

And keras_callbacks.txt: what its callbacks print in `keras_callback_runs`.

Run it with a Python 3.7 that has tensorflow==1.15.5:  python tests/data/make_keras.py
"""

import gzip
import json
import os
import subprocess
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def found(eager):
    """What each line gives in one mode."""
    import keras_cases
    import tensorflow as tf
    from keras_runs import Mode, all_lines, read

    tf.compat.v1.logging.set_verbosity("ERROR")
    if eager:
        tf.compat.v1.enable_eager_execution()
    results = {}
    for kind, line in all_lines(keras_cases):
        tf.keras.backend.clear_session()
        results[f"{kind} {line}"] = read(Mode(tf, eager), kind, line)
    return results


def callbacks():
    """Print what callbacks print."""
    import tensorflow as tf
    from keras_callback_runs import printed
    from tensorflow.python.keras import callbacks
    from tensorflow.python.keras.utils.generic_utils import Progbar

    printed(tf, callbacks, Progbar)


def main():
    both = {}
    for mode in ("graph", "eager"):
        command = [sys.executable, __file__, mode]
        both[mode] = json.loads(subprocess.check_output(command).decode("utf-8"))
    said = subprocess.check_output([sys.executable, __file__, "callbacks"])
    with open(os.path.join(HERE, "keras_callbacks.txt"), "wb") as stream:
        stream.write(said)
    text = json.dumps(both, indent=0, sort_keys=True)
    with open(os.path.join(HERE, "keras.json.gz"), "wb") as stream:
        # no time of writing, so that equal data is an equal file
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode("utf-8"))


if __name__ == "__main__":
    if sys.argv[1:] == ["callbacks"]:
        callbacks()
    elif len(sys.argv) > 1:
        print(json.dumps(found(sys.argv[1] == "eager")))
    else:
        main()
