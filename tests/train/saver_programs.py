"""Programs that save and restore, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module, `folder` an empty folder.
"""

import os
import shutil

import numpy as np


def variables(tf, resource=False, parts=False):
    """Variables to save."""
    if parts:
        with tf.variable_scope(
            "p", partitioner=tf.fixed_size_partitioner(2), use_resource=resource
        ):
            tf.get_variable("w", [5, 2])
    tf.get_variable("a", [3], use_resource=resource)
    zeros = tf.zeros_initializer()
    tf.get_variable("b", [2], tf.int32, zeros, use_resource=resource)


def _devices(tf):
    for number in (1, 0):
        with tf.device(f"/cpu:{number}"):
            tf.get_variable(f"d{number}", [2])
    tf.train.Saver(sharded=True, name="devices", max_to_keep=None)


def _unknown_shape(tf):
    v = tf.Variable([1.0], validate_shape=False, name="v")
    tf.train.Saver({"other": v}, reshape=True)


def _saver(**options):
    kind = {key: options.pop(key) for key in ("resource", "parts") if key in options}

    def build(tf):
        variables(tf, **kind)
        tf.train.Saver(**options)

    return build


#: what adds a Saver to a graph
GRAPHS = {
    "plain": _saver(),
    "resource": _saver(resource=True),
    "parts": _saver(parts=True),
    "parts of resources": _saver(parts=True, resource=True, reshape=True),
    "sharded": _saver(sharded=True),
    "reshape": _saver(reshape=True),
    "reshape resource": _saver(reshape=True, resource=True),
    "sequentially": _saver(restore_sequentially=True),
    "named": _saver(filename="x", name="sv"),
    "version 1": _saver(write_version=1),
    "version 1 sharded": _saver(write_version=1, parts=True, sharded=True),
    "devices": _devices,
    "unknown shape": _unknown_shape,
}


def described(graph):
    """What the SaverDefs and the strings of a graph are."""
    found = {}
    for op in graph.get_operations():
        if op.type == "Const" and op.outputs[0].dtype == "string":
            value = [s.decode() for s in op.get_attr("value").string_val]
            found[op.name] = ["_temp_" if "_temp_" in s else s for s in value]
        if op.type in ("Assign", "RestoreV2", "SaveV2", "ShardedFilename"):
            found[op.name + " on"] = op.device
    return found


# ---------------------------------------------------------------------- files

STRINGS = np.array([[b"", b"x" * 200], [b"\xff\x00", "\u00fc".encode()]], object)


def tensors(tf):
    """Names and values of every dtype and of some shapes, to write to a checkpoint."""
    found = {
        "bool": tf.constant([True, False]),
        "complex64": tf.constant([1 + 2j], tf.complex64),
        "complex128": tf.constant(3 - 1j, tf.complex128),
        "strings": tf.constant(STRINGS),
        "a/b": tf.constant("scalar"),
        "empty": tf.zeros([0, 3]),
        "float16": tf.constant([0.5, -2], tf.float16),
        "qint8": tf.bitcast(tf.constant([-1, 2], tf.int8), tf.qint8),
        "many": tf.range(3000.0),
    }
    for name in "float32 float64 int32 uint8 int16 int8 int64 uint16".split():
        found[name] = tf.cast([[1, 2], [3, 100]], name)
    for name in "int32 int16 int8 int64".split():
        found["minus " + name] = tf.cast([-1, -100], name)
    return found


def newer(tf):
    """Those that version 1 of the format lacks."""
    return {
        "bfloat16": tf.cast([1.5, -3], tf.bfloat16),
        "uint32": tf.bitcast(tf.constant([-1], tf.int32), tf.uint32),
        "uint64": tf.bitcast(tf.constant([-1], tf.int64), tf.uint64),
    }


#: names, places and shapes of parts
PARTS = [
    ("w", "5 2 0,2:0,2"),
    ("w", "5 2 2,3:0,2"),
    ("far", "20000 1 19990,10:-"),
    ("far", "20000 1 64,9:-"),
    ("whole", "2 2 -:-"),
    ("whole 2", "2 2 0,2:0,2"),
    ("one", "3 1,1"),
]


def _part(spec):
    """Values for a part: those of a range, cut."""
    shape = [int(s) for s in spec.split(" ")[:-1]]
    whole = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    places = []
    for item in spec.split(" ")[-1].split(":"):
        if item == "-":
            places.append(slice(None))
        else:
            start, length = map(int, item.split(","))
            places.append(slice(start, start + length))
    return whole[tuple(places)]


def write_files(tf, folder):
    """Checkpoints of both versions, written by the ops."""
    save, save_slices = tf.raw_ops.SaveV2, tf.raw_ops.SaveSlices
    with tf.Graph().as_default(), tf.Session() as session:
        old = tensors(tf)
        new = dict(old, **newer(tf))
        names = [name for name, _ in PARTS]
        specs = [spec for _, spec in PARTS]
        parts = [_part(spec) for spec in specs]
        numbers = [f"n{i:04d}" for i in range(40)]
        for operation in (
            save(
                prefix=folder + "/v2",
                tensor_names=list(new),
                shape_and_slices=[""] * len(new),
                tensors=list(new.values()),
            ),
            save(
                prefix=folder + "/v2parts",
                tensor_names=names,
                shape_and_slices=specs,
                tensors=parts,
            ),
            save(
                prefix=folder + "/v2few",
                tensor_names=numbers,
                shape_and_slices=[""] * len(numbers),
                tensors=[tf.constant(i) for i in range(len(numbers))],
            ),
            tf.raw_ops.Save(
                filename=folder + "/v1", tensor_names=list(old), data=list(old.values())
            ),
            save_slices(
                filename=folder + "/v1parts",
                tensor_names=names,
                shapes_and_slices=specs,
                data=parts,
            ),
        ):
            session.run(operation)
        for number in range(2):
            session.run(
                save(
                    prefix=folder + f"/tmp/part-{number}",
                    tensor_names=[f"x{number}", "w"],
                    shape_and_slices=["", specs[number]],
                    tensors=[tf.constant(1.0 + number), parts[number]],
                )
            )
        session.run(
            tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=[folder + "/tmp/part-0", folder + "/tmp/part-1"],
                destination_prefix=folder + "/merged",
            )
        )
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as stream:
            found[name] = stream.read()
    return found


# ---------------------------------------------------------------------- objects


def objects(tf):
    """Objects with a step that changes them: a variable, an optimizer, a layer."""
    x = tf.get_variable("x", [2], initializer=tf.ones_initializer(), use_resource=True)
    optimizer = tf.train.AdamOptimizer(0.1)
    dense = tf.layers.Dense(2, name="dense")
    inner = tf.train.Checkpoint(dense=dense)
    whole = tf.train.Checkpoint(x=x, opt=optimizer)
    setattr(whole, "in.a/b", inner)
    y = dense(tf.reshape(x, [1, 2]))
    return whole, optimizer.minimize(tf.reduce_sum(y * y)), x


def write_objects(tf, folder):
    """A checkpoint of objects after two steps, what it is like, values a step later."""
    with tf.Graph().as_default(), tf.Session() as session:
        whole, step, x = objects(tf)
        session.run(tf.global_variables_initializer())
        session.run([step])
        session.run([step])
        path = whole.save(folder + "/objects")
        value = session.run(x).tolist()
        session.run(step)
        reader = tf.train.NewCheckpointReader(path)
        with open(folder + "/checkpoint") as stream:
            state = stream.read()
        return {
            "path": path.replace(folder, "FOLDER"),
            "state": state,
            "variables": [[n, list(s)] for n, s in tf.train.list_variables(path)],
            "described": reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH").hex(),
            "value": value,
            "later": session.run(x).tolist(),
        }


# ---------------------------------------------------------------------- failures


def failure(function):
    """Class and first line of what is raised; None if nothing is."""
    try:
        function()
    except Exception as error:
        text = str(error).split("\n")[0]
        return [type(error).__name__, text.split(" for '")[0]]
    return None


def _restoring(tf):
    def restore(prefix, name, spec, dtype):
        with tf.Graph().as_default(), tf.Session() as session:
            given = tf.placeholder(tf.string, [None])
            operation = tf.raw_ops.RestoreV2(
                prefix=prefix,
                tensor_names=[name],
                shape_and_slices=given,
                dtypes=[dtype],
            )
            session.run(operation, {given: [spec]})

    return restore


def _saving(tf, folder):
    def save(names, specs, values, prefix="/x"):
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(
                tf.raw_ops.SaveV2(
                    prefix=folder + prefix,
                    tensor_names=names,
                    shape_and_slices=specs,
                    tensors=[tf.constant(v, tf.float32) for v in values],
                )
            )

    return save


def op_failures(tf, folder):
    """What the ops refuse; `folder` holds what `write_files` wrote."""
    restore, save = _restoring(tf), _saving(tf, folder)
    v2, v1 = folder + "/v2", folder + "/v1"
    ones = np.ones([2, 2])
    cases = {
        "missing": lambda: restore(v2, "zz", "", tf.float32),
        "dtype": lambda: restore(v2, "int32", "", tf.float32),
        "string": lambda: restore(v2, "strings", "", tf.float32),
        "shape": lambda: restore(v2, "int32", "3 3 0,1:0,3", tf.int32),
        "no file": lambda: restore(folder + "/no", "a", "", tf.float32),
        "a folder": lambda: restore(folder + "/", "a", "", tf.float32),
        "uncovered": lambda: restore(folder + "/v2parts", "far", "", tf.float32),
        "uncovered part": lambda: restore(
            folder + "/v2parts", "far", "20000 1 0,70:-", tf.float32
        ),
        "v1 missing": lambda: restore(v1, "zz", "", tf.float32),
        "v1 dtype": lambda: restore(v1, "int32", "", tf.float32),
        "v1 uncovered": lambda: restore(folder + "/v1parts", "far", "", tf.float32),
        "v1 shape": lambda: restore(v1, "int32", "3 3 0,1:0,3", tf.int32),
        "twice": lambda: save(["a", "a"], ["", ""], [1, 2]),
        "part twice": lambda: save(["a", "a"], ["4 2 0,2:-"] * 2, [ones, ones]),
        "part and whole": lambda: save(["a", "a"], ["4 2 0,2:-", ""], [ones, ones]),
        "wrong part": lambda: save(["a"], ["4 2 0,2:-"], [1]),
        "counts": lambda: save(["a", "b"], ["", ""], [1]),
        "graph spec": lambda: tf.raw_ops.RestoreV2(
            prefix="x",
            tensor_names=["a"],
            shape_and_slices=["2 3 0,1"],
            dtypes=[tf.int32],
        ),
        "graph counts": lambda: tf.raw_ops.RestoreV2(
            prefix="x",
            tensor_names=["a", "b"],
            shape_and_slices=[""],
            dtypes=[tf.int32],
        ),
        "graph types": lambda: tf.raw_ops.RestoreV2(
            prefix="x",
            tensor_names=["a", "b"],
            shape_and_slices=["", ""],
            dtypes=[tf.int32],
        ),
    }
    specs = [
        "2 3",
        "2 2 x,",
        "2 2 0,1",
        "a 0,1",
        "2 2 0,1:1,5",
        "2 2 -1,1:-",
        "-",
        "2 ",
    ]
    for spec in specs:
        cases["spec " + spec] = lambda spec=spec: restore(v2, "int32", spec, tf.int32)
    found = {}
    for name, case in cases.items():
        with tf.Graph().as_default():
            what = failure(case)
        found[name] = what and [what[0], what[1].replace(folder, "FOLDER")]
    return found


def damaged(name, data):
    """A file and what may become of it: by what was done, the files to write."""
    found = {}
    for place in (0, 5, len(data) // 3, len(data) // 2, -60, -46, -41, -5, -1):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        found[f"{name} byte {place}"] = bytes(changed)
    for length in (0, 20, 47, 48, len(data) // 2, len(data) - 10, len(data) - 1):
        found[f"{name} cut {length}"] = data[:length]
    found[name + " text"] = b"hello world " * 20
    return found


def damage_failures(tf, folder, files):
    """What reading damaged files says, for each kind of damage."""
    found = {}
    cases = [("v2few", "v2few.index"), ("v2few", "v2few.data-00000-of-00001")]
    cases.append(("v1parts", "v1parts"))
    for prefix, name in cases:
        for label, data in damaged(name, files[name]).items():
            here = os.path.join(folder, "damaged")
            shutil.rmtree(here, ignore_errors=True)
            os.mkdir(here)
            for other, whole in files.items():
                if other.startswith(prefix):
                    with open(os.path.join(here, other), "wb") as stream:
                        stream.write(data if other == name else whole)

            def read(here=here, prefix=prefix):
                reader = tf.train.NewCheckpointReader(os.path.join(here, prefix))
                for key in sorted(reader.get_variable_to_shape_map()):
                    if key != "far" and not (prefix == "v1parts" and key in "one w"):
                        reader.get_tensor(key)

            what = failure(read)
            found[label] = what and [what[0], what[1].replace(here, "HERE")]
    return found


def saver_failures(tf, folder):
    """What a Saver refuses, and what it says of checkpoints that do not fit."""

    def build(*arguments, **options):
        return lambda: tf.train.Saver(*arguments, **options)

    a = tf.get_variable("a", [3])
    b = tf.get_variable("b", [2])
    r = tf.get_variable("r", [3], use_resource=True)
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
        p = list(tf.get_variable("w", [4, 2]))
        q = list(tf.get_variable("q", [4, 2]))
    saver = tf.train.Saver([a, b])
    session = tf.Session()
    path = folder + "/m"
    found = {"not initialized": failure(lambda: saver.save(session, path))}
    session.run(tf.global_variables_initializer())
    saver.save(session, path)

    def restored(variables):
        return lambda: tf.train.Saver(variables).restore(session, path)

    wrong = tf.Variable([1.0, 2.0], name="wrong")
    wrong_resource = tf.Variable([1.0, 2.0], name="wrong_r", use_resource=True)
    cases = {
        "empty list": build([]),
        "empty dict": build({}),
        "no list": build("ab"),
        "a variable": build(a),
        "a tensor": build([a + 1.0]),
        "number": build([3]),
        "dict of tensor": build({"x": a + 1.0}),
        "dict of numbers": build({3: a}),
        "two names": build({"x": a, "y": a}),
        "twice": build([a, a]),
        "parts of two": build({"x": [p[0], q[0]]}),
        "no parts": build({"x": [a]}),
        "no variables": build({"x": [a + 1.0]}),
        "deferred list": build([a], defer_build=True),
        "no SaverDef": build(saver_def="x"),
        "SaverDef": build(saver_def=tf.train.SaverDef()),
        "not built": lambda: tf.train.Saver(defer_build=True).save(session, path),
        "collides": lambda: saver.save(session, folder + "/checkpoint"),
        "latest": lambda: saver.save(session, path, latest_filename="a/b"),
        "no session": lambda: saver.save(None, path),
        "in a file": lambda: saver.save(session, path + ".index/x"),
        "none": lambda: saver.restore(session, None),
        "no checkpoint": lambda: saver.restore(session, path + "x"),
        "index file": lambda: saver.restore(session, path + ".index"),
        "data file": lambda: saver.restore(session, path + ".data-00000-of-00001"),
        "missing": restored([a, p[0], r]),
        "shape": restored({"a": wrong}),
        "dtype": restored({"a": tf.Variable([1, 2, 3], name="i")}),
        "resource shape": restored({"a": wrong_resource}),
        "resource": restored({"a": r}),
        "part of a whole": restored({"a": p[:1]}),
    }
    for name, case in cases.items():
        what = failure(case)
        found[name] = what and [what[0], what[1].replace(folder, "FOLDER")]
    with tf.Graph().as_default():
        found["no variables at all"] = failure(build())
        found["allowed"] = failure(build(allow_empty=True))
    return found


# ---------------------------------------------------------------------- initializing


def _scope(tf, name, parts=0, resource=False, shape=(4, 2)):
    """Two variables in a scope, the first in parts."""
    split = tf.fixed_size_partitioner(parts) if parts else None
    with tf.variable_scope(name, partitioner=split, use_resource=resource):
        a = tf.get_variable("a", shape)
    with tf.variable_scope(name, use_resource=resource):
        return a, tf.get_variable("b", [3])


def _maps(tf):
    """Functions that make variables, and maps that initialize them."""

    def new(**options):
        return lambda: _scope(tf, "new", **options)

    def root():
        return _scope(tf, "old"), _scope(tf, "o2/in"), tf.get_variable("top", [2])

    def two():
        return _scope(tf, "new", parts=2), _scope(tf, "n2", parts=2)

    for resource in (False, True):
        kind = {"resource": resource}
        yield new(**kind), {"old/": "new/"}
        yield new(**kind), lambda vs: {"old/a": vs[0], "old/b": "new/b"}
        yield new(parts=2, **kind), {"old/": "new/"}
        yield new(parts=2, **kind), lambda vs: {"old/a": list(vs[0])}
        yield new(parts=2, **kind), {"o2/in/a": "new/a"}
    yield root, {"/": "/"}
    yield lambda: tf.get_variable("a", [4, 2]), {"old/": "/"}
    yield new(), {"none/a": "new/a"}
    yield new(), {"none/": "new/"}
    yield new(), {"old": "new/"}
    yield new(shape=(5, 2)), {"old/a": "new/a"}
    yield new(), {"old/a": "zz"}
    yield two, lambda vs: {"old/a": [next(iter(vs[0][0])), list(vs[1][0])[1]]}


def initializing(tf, folder):
    """Operations, initializers and values for each way to map a checkpoint."""
    with tf.Graph().as_default(), tf.Session() as session:
        _scope(tf, "old")
        _scope(tf, "o2/in", parts=2)
        tf.get_variable("top", [2])
        session.run(tf.global_variables_initializer())
        for i, v in enumerate(tf.global_variables()):
            count = float(np.prod(v.shape.as_list()))
            session.run(tf.assign(v, tf.reshape(tf.range(count) + i, v.shape)))
        path = tf.train.Saver().save(session, folder + "/m")
    found = []
    for build, mapped in _maps(tf):
        with tf.Graph().as_default() as graph, tf.Session() as session:
            made = build()
            before = len(graph.get_operations())
            table = mapped(made) if callable(mapped) else mapped
            what = failure(
                lambda table=table: tf.train.init_from_checkpoint(path, table)
            )
            if what:
                text = what[1].replace(folder, "FOLDER").partition("{")[0]
                found.append([what[0], text])
                continue
            listed = [
                [op.name, op.type, [t.name for t in op.inputs], op.device]
                for op in graph.get_operations()[before:]
            ]
            session.run(tf.global_variables_initializer())
            variables = [
                [v.name, v.initializer.name, v.initial_value.name]
                + (
                    session.run(v).tolist()
                    if "checkpoint" in v.initial_value.name
                    else []
                )
                for v in tf.global_variables()
            ]
            found.append([listed, variables])
    return found
