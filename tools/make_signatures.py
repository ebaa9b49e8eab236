"""Write the signatures of TensorFlow 1.15's public functions and classes.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_signatures.py tests/data/signatures.txt.gz

A line each, `name: what tf_inspect says | what inspect says`; the second only where it
differs. Flags are absl's, and left out as protocol messages and enumerations are.
"""

import enum
import gzip
import inspect
import sys

import make_names
from google.protobuf.message import Message
from tensorflow.python.util import tf_inspect

LEFT_OUT = ("flags.", "app.flags.", "compat.v2.keras.", "keras.", "contrib.keras.")


def text(spec):
    """`a, b=1, *args, **kwargs`; `self` and the like are left out."""
    names = [a for a in spec.args if a not in ("self", "cls", "_cls")]
    given = [shown(d) for d in spec.defaults or ()]
    plain = len(names) - len(given)
    parts = names[:plain]
    parts += [names[plain + i] + "=" + default for i, default in enumerate(given)]
    parts += ["*" + spec.varargs] if spec.varargs else []
    parts += ["*"] if spec.kwonlyargs and not spec.varargs else []
    for name in spec.kwonlyargs:
        parts.append(name + "=" + shown((spec.kwonlydefaults or {}).get(name)))
    parts += ["**" + spec.varkw] if spec.varkw else []
    return ", ".join(parts)


def shown(value):
    """A default: by its text, or by its kind where that has an address."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = repr(value)
    return f"<{type(value).__name__}>" if " at 0x" in written else written


def main():
    wheel = make_names.Wheel()
    lines = []
    for group in wheel.names.values():
        name, value = group[0], wheel.public[group[0]]
        if not callable(value) or name.startswith(LEFT_OUT):
            continue
        if isinstance(value, type) and issubclass(value, (enum.Enum, Message)):
            continue
        try:
            spec = text(tf_inspect.getfullargspec(value))
            plain = text(inspect.getfullargspec(value))
        except TypeError:
            continue
        lines.append(name + ": " + spec + (" | " + plain if plain != spec else ""))
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as out:
        out.write(("\n".join(sorted(lines)) + "\n").encode())


if __name__ == "__main__":
    main()
