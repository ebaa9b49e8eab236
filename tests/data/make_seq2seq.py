"""Write what TensorFlow 1.15 makes of programs with sequence-to-sequence models.

Run it with a Python 3.7 that has tensorflow==1.15.5, for all or for some of them:

    python tests/data/make_seq2seq.py [legacy_seq2seq] [seq2seq]
"""

import importlib
import sys

from make_layers import tf, write
from recurrent_programs import described_run

FILES = ("legacy_seq2seq", "seq2seq")


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    for name in sys.argv[1:] or FILES:
        module = importlib.import_module(name + "_programs")
        programs, refused = module.PROGRAMS, module.REFUSED
        found = {key: described_run(tf, run) for key, run in programs.items()}
        found["refused"] = {key: module.message(tf, key, refused) for key in refused}
        write(name, found)


if __name__ == "__main__":
    main()
