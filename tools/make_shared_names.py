"""Write which names of TensorFlow 1.15 are one and the same object.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_shared_names.py tests/data/shared_names.txt.gz

A line an object that is public: its names, as `python.ops.nn:relu`; `:nn.relu` is a
public name. What only tf.contrib, tf.keras and Estimator hold is left out.
"""

import collections
import gzip
import sys

import make_names

LEFT_OUT = (":contrib", "contrib", "python.estimator", "python.keras")


def main():
    wheel = make_names.Wheel()
    groups = collections.defaultdict(list)
    for path, module in wheel.modules.items():
        for name, value in vars(module).items():
            if name.startswith("__") or not make_names.has_identity(value):
                continue
            if make_names.is_ours(value):
                groups[id(value)].append(path + ":" + name)
    for name, value in wheel.public.items():
        if make_names.has_identity(value):
            groups[id(value)].append(":" + name)
    lines = []
    for names in groups.values():
        kept = sorted(n for n in names if not n.startswith(LEFT_OUT))
        if len(kept) > 1 and kept[0][0] == ":":
            lines.append(" ".join(kept))
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as out:
        out.write(("\n".join(sorted(lines)) + "\n").encode())


if __name__ == "__main__":
    main()
