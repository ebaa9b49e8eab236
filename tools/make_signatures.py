"""Write the signatures of TensorFlow 1.15's public functions and classes, and bases.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_signatures.py tests/data

`signatures.txt.gz` has a line each, `name: what tf_inspect says | what inspect says`;
the second only where it differs. `bases.txt.gz` has `name __name__ < bases` for each
class: the public ones that it is derived from, nearest first; `~` stands first where
its `__base__` is none of these. Flags are absl's, and left out as protocol messages and
enumerations are.
"""

import enum
import gzip
import inspect
import os
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


def classes_and_functions(wheel):
    for group in wheel.names.values():
        name, value = group[0], wheel.public[group[0]]
        if callable(value) and not name.startswith(LEFT_OUT):
            if not isinstance(value, type):
                yield name, value
            elif not issubclass(value, (enum.Enum, Message)):
                yield name, value


def signatures(wheel):
    for name, value in classes_and_functions(wheel):
        try:
            spec = text(tf_inspect.getfullargspec(value))
            plain = text(inspect.getfullargspec(value))
        except TypeError:
            continue
        yield name + ": " + spec + (" | " + plain if plain != spec else "")


def bases(wheel):
    for name, value in classes_and_functions(wheel):
        if isinstance(value, type):
            found = [
                wheel.names[id(b)][0] for b in value.__mro__ if id(b) in wheel.names
            ]
            hidden = "~ " if id(value.__base__) not in wheel.names else ""
            yield f"{name} {value.__name__} < {hidden}{' '.join(found[1:])}"


def write(path, lines):
    with gzip.GzipFile(path, "wb", mtime=0) as out:
        out.write(("\n".join(sorted(lines)) + "\n").encode())


def main():
    wheel = make_names.Wheel()
    write(os.path.join(sys.argv[1], "signatures.txt.gz"), signatures(wheel))
    write(os.path.join(sys.argv[1], "bases.txt.gz"), bases(wheel))


if __name__ == "__main__":
    main()
