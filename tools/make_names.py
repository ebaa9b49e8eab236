"""Write what TensorFlow 1.15 says of its own names, modules and what they share.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_names.py src/retrograd/compat/names/internal

It imports every module of the wheel, looks at which objects are one and the same, and
writes `modules.txt`, `namespaces.txt`, `aliases.txt`, `exports.txt`, `wrapped.txt` and
`others.txt.gz`. `retrograd.compat.table`, `inside` and `absent` say what they mean.
"""

import __future__

import argparse
import ast
import collections
import gzip
import importlib
import inspect
import logging
import os
import re
import sys
import types
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import tensorflow as tf  # noqa: E402
import tensorflow_core  # noqa: E402
import tensorflow_estimator  # noqa: E402
from tensorflow.python.framework import ops  # noqa: E402
from tensorflow.python.util import tf_inspect  # noqa: E402

#: importing one of these ends the process, or starts a program
FATAL = re.compile(
    r".*\.(gen_xla_ops|setup|__main__|\w+_test)$"
    r"|.*tf2xla\.python\.xla$|.*\.compiler\.jit.*|.*tensorrt.*|.*\.bin/.*"
)
ROOTS = ("tensorflow", "tensorflow_estimator")
#: where TensorFlow's own modules are, rather than its public interface
INSIDE = ("python", "core", "contrib", "compiler", "lite", "tools", "examples")
#: where TensorFlow is installed: what names it says something of one machine only
INSTALLED = os.path.dirname(os.path.dirname(tensorflow_core.__file__))
WIDTH = 88
Future = type(__future__.division)
SCALARS = (int, str, bytes, float, bool, complex, type(None))
Module = types.ModuleType


def files():
    """The dotted names of all modules that the wheel has files for."""
    for package in (tensorflow_core, tensorflow_estimator):
        base = package.__name__.replace("tensorflow_core", "tensorflow")
        for root in package.__path__:
            for folder, folders, names in os.walk(root):
                folders[:] = [
                    f
                    for f in sorted(folders)
                    if os.path.exists(os.path.join(folder, f, "__init__.py"))
                ]
                inner = os.path.relpath(folder, root).replace(os.sep, ".")
                here = base if inner == "." else base + "." + inner
                yield here
                for name in sorted(names):
                    if name.endswith(".py") and name != "__init__.py":
                        yield here + "." + name[:-3]


def dotted(full):
    """`python.ops.nn` for `tensorflow.python.ops.nn`; '' outside TensorFlow."""
    root, _, path = full.partition(".")
    return path if root in ROOTS else ""


def is_api(path):
    """Whether a module only repeats the public interface."""
    return (
        path.partition(".")[0] not in INSIDE
        or re.search(r"\.(keras|estimator)\.api\b", path)
        or path.startswith(("lite.constants", "lite.experimental.nn"))
    )


class Wheel:
    """The modules of TensorFlow, its public names, and where objects are at home."""

    def __init__(self):
        self.public = {}
        self.spaces = []
        self.stand_ins = {}  # namespaces that are another module than their name says
        self._walk(tf, "", ())
        self.listed = []
        for full in files():
            if is_api(dotted(full)):
                continue
            if not FATAL.match(full):
                try:
                    importlib.import_module(full)
                except BaseException:
                    continue
            self.listed.append(dotted(full))
        self.modules = {}
        self.paths = {}
        for full, module in list(sys.modules.items()):
            path = dotted(full)
            if not path or not isinstance(module, Module):
                continue
            if is_api(path) or path.startswith("tools.pip"):
                continue
            if type(module) is Module:
                self.modules[path] = module
                self.paths[id(module)] = path
                self.listed.append(path)
        self._walk_contrib(tf.contrib, "contrib")
        self.sources = {path: parsed(m) for path, m in self.modules.items()}
        self.homes = self._find_homes()
        self.names = collections.defaultdict(list)
        for name, value in self.public.items():
            if has_identity(value):
                self.names[id(value)].append(name)
        for group in self.names.values():
            group.sort(key=rank)

    def _walk(self, space, path, around):
        around += (id(space),)
        for name in sorted(dir(space)):
            full = path + "." + name if path else name
            if name.startswith("_") or (full in INSIDE and full != "lite"):
                continue
            try:
                value = getattr(space, name)
            except Exception:
                continue
            if not isinstance(value, Module):
                self.public[full] = value
            elif full not in ("compat.v1", "compat.v2.compat.v1"):
                if full.endswith("raw_ops"):
                    self.public[full] = value
                elif re.search(r"[._]api\b|^keras$|platform\.flags", value.__name__):
                    if id(value) not in around:
                        self.spaces.append(full)
                        self._walk(value, full, around)

    def _walk_contrib(self, space, path):
        self.spaces.append(path)
        for name in sorted(dir(space)):
            full = path + "." + name
            if name.startswith("_") or name == "python":
                continue
            value = getattr(space, name)
            if not isinstance(value, Module):
                raw = isinstance(value, types.FunctionType) and name[0].isupper()
                if is_ours(value) and not raw:
                    self.public[full] = value
            elif path == "contrib" or self.paths.get(id(value)) == full:
                if self.paths.get(id(value)) not in (full, None):
                    self.stand_ins[full] = self.paths[id(value)]
                self._walk_contrib(value, full)

    def _find_homes(self):
        """id of an object -> the module and the name that it was made under."""
        places = collections.defaultdict(list)
        self.objects = {}
        for path, module in self.modules.items():
            for name, value in vars(module).items():
                if not name.startswith("__") and has_identity(value) and is_ours(value):
                    places[id(value)].append((path, name))
                    self.objects[id(value)] = value
        homes = {}
        for key, found in places.items():
            value = self.objects[key]
            own = dotted(getattr(value, "__module__", None) or "")
            name = getattr(value, "__name__", None)
            here = [p for p in found if p[0] == own]
            if here:
                homes[key] = (own, name) if (own, name) in here else here[0]
            else:
                made = [p for p in found if p[1] in self.sources[p[0]].assigned]
                homes[key] = (made or found)[0]
        return homes


class Source:
    """What a module's text says: names that it makes, modules it takes all from."""

    def __init__(self, assigned=(), stars=()):
        self.assigned = frozenset(assigned)
        self.stars = tuple(stars)


def parsed(module):
    file = getattr(module, "__file__", None) or ""
    if not file.endswith(".py"):
        return Source()
    with open(file, encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    assigned, stars = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                assigned.update(
                    n.id for n in ast.walk(target) if isinstance(n, ast.Name)
                )
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            assigned.add(node.name)
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            stars.append(dotted(node.module or ""))
    return Source(assigned, stars)


def public_names(module):
    """What `import *` takes of a module, modules aside."""
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
    return [n for n in names if not isinstance(vars(module).get(n), Module)]


def has_identity(value):
    """Whether two names for it mean something: not so for numbers and strings."""
    if isinstance(value, (*SCALARS, Future, Module)):
        return False
    return not (isinstance(value, (tuple, frozenset)) and not value)


def is_ours(value):
    """Whether TensorFlow made an object, as far as it shows."""
    if isinstance(value, (types.FunctionType, type)):
        return (value.__module__ or "").startswith("tensorflow")
    return not isinstance(value, (types.BuiltinFunctionType, types.MethodType))


def rank(name):
    return name.startswith("contrib"), name.startswith("compat"), name.count("."), name


# --------------------------------------------------------------------- sections


class Exports:
    """The sections of `exports.txt`."""

    def __init__(self, wheel):
        self.wheel = wheel
        self.gradients = collections.defaultdict(lambda: collections.defaultdict(list))
        for op_type, entry in sorted(ops._gradient_registry._registry.items()):
            rule = entry["type"]
            if rule is not None:
                key = dotted(rule.__module__), rule.__name__
                self.gradients[key[0]][key[1]].append(op_type)
        self.stars = {path: self._stars(path) for path in wheel.modules}
        self.usual = self._usual_meanings()

    def _references(self, path):
        """What a module holds of others, by name.

        `python.ops.nn` or `/numpy` is a module, `python.ops.nn:relu` one of its names.
        """
        covered = set()
        for star, absent in self.stars[path].items():
            covered.update(set(public_names(self.wheel.modules[star])) - absent)
        for name, value in sorted(vars(self.wheel.modules[path]).items()):
            child = path + "." + name in self.wheel.modules
            if name.startswith("__") or (name in covered and not child):
                continue
            if name[0] == "_" and path.endswith("_pb2"):
                continue
            if isinstance(value, Module):
                target = self.wheel.paths.get(id(value))
                if target is None and not value.__name__.startswith("tensorflow"):
                    target = "/" + value.__name__
                if target and target != path + "." + name:
                    yield name, target
            elif id(value) in self.wheel.homes:
                source, home = self.wheel.homes[id(value)]
                if (source, home) != (path, name):
                    yield name, source + ":" + home

    def _usual_meanings(self):
        counts = collections.defaultdict(collections.Counter)
        for path in self.wheel.modules:
            for name, target in self._references(path):
                counts[name][target] += 1
        return {
            name: found.most_common(1)[0][0]
            for name, found in sorted(counts.items())
            if found.most_common(1)[0][1] > 1
        }

    def head(self):
        """The section of names that mostly stand for one thing."""
        tokens = [shortened(name, where) for name, where in self.usual.items()]
        return ["[]", *wrapped(tokens, ". ")]

    def section(self, path):
        """The lines of one module; none if it holds nothing of interest."""
        stand_in = self.wheel.stand_ins.get(path)
        lines = ["* " + stand_in] if stand_in else []
        for star, absent in self.stars[path].items():
            lines += wrapped(["-" + name for name in sorted(absent)], "* " + star + " ")
            lines += [] if absent else ["* " + star]
        usual, others = [], collections.defaultdict(list)
        for name, target in self._references(path):
            if self.usual.get(name) == target:
                usual.append(name)
            else:
                source, colon, home = target.partition(":")
                token = name if name == home else name + "=" + (home or target)
                others[source if colon else ""].append(token)
        lines += wrapped(usual, ". ")
        lines += wrapped(others.pop("", ()), ". ")
        for source, names in sorted(others.items()):
            lines += wrapped(names, "< " + source + " ")
        public, others_here = self._made_here(path)
        if path.rpartition(".")[2].startswith("gen_"):
            lines += wrapped([n for n in others_here if n == n.lower()], "% ")
        elif hasattr(self.wheel.modules[path], "__path__"):
            lines += wrapped(others_here, "! ")
        rules = self.gradients.get(path, {})
        lines += wrapped([r + "=" + ",".join(t) for r, t in rules.items()], "^ ")
        lines += self._constants(path)
        lines += wrapped(public, "")
        return ["[" + path + "]", *lines] if lines else []

    def _stars(self, path):
        """Modules of which a module holds the public names: with those it does not."""
        held = vars(self.wheel.modules[path])
        stars = {}
        for other in self.wheel.sources[path].stars:
            theirs = self.wheel.modules.get(other)
            if theirs is None or other == path:
                continue
            names = public_names(theirs)
            absent = [n for n in names if held.get(n) is not vars(theirs)[n]]
            if len(absent) * 4 < len(names):
                stars[other] = frozenset(absent)
        return stars

    def _made_here(self, path):
        """Names that are at home here: public ones, and functions that are not."""
        public, others = [], []
        for name, value in sorted(vars(self.wheel.modules[path]).items()):
            if self.wheel.homes.get(id(value)) != (path, name):
                continue
            names = self.wheel.names.get(id(value))
            if names:
                short = names[0] == name or names[0].endswith("." + name)
                public.append(names[0] if short else name + "=" + names[0])
            elif isinstance(value, (types.FunctionType, type)):
                if "_eager_fallback" not in name:
                    others.append(name)
        return public, others

    def _constants(self, path):
        module = self.wheel.modules[path]
        exported = {}
        for mark in ("_tf_api_constants", "_tf_api_constants_v1"):
            for names, constant in getattr(module, mark, ()):
                if names:
                    exported[constant] = min(names, key=rank)
        lines = []
        for name, value in sorted(vars(module).items()):
            if name not in self.wheel.sources[path].assigned or has_identity(value):
                continue
            if not isinstance(value, SCALARS) or value is None:
                continue
            if INSTALLED in repr(value):
                continue
            if name in exported:
                lines.append(f"= {name} {exported[name]}")
            elif re.match(r"_?[A-Z][A-Z0-9_]*$", name) and len(repr(value)) < 200:
                lines.append(f"= {name} {value!r}")
        return lines


def listed(lines, modules):
    """The names that the lines of a section say a module holds."""
    found = set()
    for line in lines[1:]:
        mark, _, rest = line.partition(" ")
        if mark == "*":
            other, *absent = rest.split()
            theirs = public_names(modules[other]) if other in modules else ()
            found |= set(theirs) - {name[1:] for name in absent}
        elif mark == "=":
            found.add(rest.partition(" ")[0])
        elif mark == "<":
            found.update(token.partition("=")[0] for token in rest.split()[1:])
        elif mark in (".", "%", "^", "!"):
            found.update(token.partition("=")[0] for token in rest.split())
        else:
            for token in line.split():
                name, equal, _ = token.partition("=")
                found.add(name if equal else name.rpartition(".")[2])
    return found


def shortened(name, where):
    """`name=where`, without what is the same in both."""
    if where.endswith((":" + name, "." + name)):
        return "=" + where
    return name + "=" + where


def wrapped(tokens, start):
    """Tokens in lines that each begin with `start`."""
    lines, line = [], start
    for token in tokens:
        if len(line) + len(token) > WIDTH and line != start:
            lines.append(line.rstrip())
            line = start
        line += token + " "
    return [*lines, line.rstrip()] if line != start else lines


# ------------------------------------------------------------------------ files

MODULES = """\
# The modules of TensorFlow 1.15: a package, then what it holds. A name without a
# line of its own is a plain module.
"""
NAMESPACES = """\
# The public namespaces of TensorFlow 1.15: one, then those below it; '.' is tf itself.
"""
ALIASES = """\
# Public names of TensorFlow 1.15 that are one and the same object there, a line each.
"""
EXPORTS = """\
# What TensorFlow 1.15's own modules hold of others; `retrograd.compat.table` reads it.
"""
WRAPPED = """\
# Public functions and classes of TensorFlow 1.15 that are, or are made by, wrappers:
# Python's own `inspect` sees `(*args, **kwargs)`, or what stands before a colon.
"""


def tree(paths):
    """`parent: children` for dotted paths."""
    children = collections.defaultdict(set)
    for path in paths:
        parent, _, last = path.rpartition(".")
        children[parent].add(last)
    return children


def modules_text(wheel):
    children = tree(p for p in set(wheel.listed) if p and not is_api(p))
    lines = [
        parent + ": " + " ".join(sorted(names))
        for parent, names in sorted(children.items())
        if parent
    ]
    packages = {p for p, m in wheel.modules.items() if hasattr(m, "__path__")}
    lines += [p + ":" for p in sorted(packages - set(children))]
    return MODULES + "\n".join(sorted(lines)) + "\n"


def namespaces_text(wheel):
    lines = [
        (parent or ".") + ": " + " ".join(sorted(names))
        for parent, names in sorted(tree(wheel.spaces).items())
    ]
    return NAMESPACES + "\n".join(lines) + "\n"


def aliases_text(wheel):
    groups = sorted(" ".join(g) for g in wheel.names.values() if len(g) > 1)
    return ALIASES + "\n".join(groups) + "\n"


def exports_text(wheel):
    exports = Exports(wheel)
    lines = exports.head()
    for path in sorted(wheel.modules):
        lines += exports.section(path)
    return EXPORTS + "\n".join(lines) + "\n"


def is_bare(spec):
    """Whether parameters are `(*args, **kwargs)`: no method has them, less its self."""
    return not spec.args and bool(spec.varargs and spec.varkw)


def wrapped_text(wheel):
    seen = collections.defaultdict(set)
    for group in wheel.names.values():
        value = wheel.public[group[0]]
        if isinstance(value, (types.FunctionType, type)):
            try:
                plain = inspect.getfullargspec(value)
            except TypeError:
                continue
            if plain != tf_inspect.getfullargspec(value) or is_bare(plain):
                key = f"{plain.varargs} {plain.varkw}"
                seen[key].add(group[0])
    lines = []
    for key, names in sorted(seen.items()):
        lines += wrapped(sorted(names), "" if key == "args kwargs" else key + ": ")
    return WRAPPED + "\n".join(lines) + "\n"


def others_text(wheel):
    """`module: names` that the other files do not list; for namespaces, too."""
    exports = Exports(wheel)
    lines = collections.defaultdict(set)
    # modules that stand behind an object of another type
    lines["raw_ops"].update(n for n in dir(tf.raw_ops) if n[0] != "_")
    lines["python"].update(n for n in dir(tf.python) if not n.startswith("__"))
    aliases = {
        name for group in wheel.names.values() if len(group) > 1 for name in group
    }
    for name in set(wheel.public) - aliases:
        if not isinstance(wheel.public[name], Future):
            path, _, last = name.rpartition(".")
            lines[path or "."].add(last)
    for path, module in wheel.modules.items():
        here = listed(exports.section(path), wheel.modules)
        for name, value in vars(module).items():
            private = name[0] == "_" and (path.endswith("_pb2") or is_module(value))
            made = name.endswith("_eager_fallback") or name == "_InitOpDefLibrary"
            if not (private or made or name.startswith("__") or name in here):
                if not isinstance(value, Future):
                    lines[path].add(name)
    return "".join(
        f"{path}: {' '.join(sorted(names))}\n" for path, names in sorted(lines.items())
    )


def is_module(value):
    return isinstance(value, Module)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    wheel = Wheel()
    for name, make in (
        ("modules", modules_text),
        ("namespaces", namespaces_text),
        ("aliases", aliases_text),
        ("exports", exports_text),
        ("wrapped", wrapped_text),
    ):
        text = make(wheel)
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as out:
            out.write(text)
    with open(os.path.join(folder, "others.txt.gz"), "wb") as out:
        with gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
            packed.write(others_text(wheel).encode())


if __name__ == "__main__":
    main()
