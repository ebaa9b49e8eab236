"""Programs that read tensors from records, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import numpy as np


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if value is None:
        return None
    if type(value).__name__ == "SparseTensorValue":
        return ["sparse", *map(plain, value)]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return value
    value = np.asarray(value)
    if value.dtype.kind in "OS":
        flat = [v.hex() for v in value.reshape(-1).tolist()]
        return [list(value.shape), "string", flat]
    kind = value.dtype.name
    if kind not in ("bool", "float32", "float64", "int32", "int64"):
        value = value.astype(np.complex128 if value.dtype.kind == "c" else np.float64)
    flat = value.reshape(-1)
    if value.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], -1)
    return [list(value.shape), kind, flat.tolist()]


def failure(run, *arguments):
    """What a call gives, or the class of its error and the first line."""
    try:
        return ["passed", plain(run(*arguments))]
    except Exception as error:  # the class is part of the result
        text = str(getattr(error, "message", error)).split("\n")[0]
        return [type(error).__name__, text]


def feature(tf, kind, values):
    if kind == "bytes":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if kind == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def example(tf, **features):
    found = {k: feature(tf, *v) for k, v in features.items() if v is not None}
    whole = tf.train.Example(features=tf.train.Features(feature=found))
    return whole.SerializeToString()


def sequence(tf, context, lists):
    found = {k: feature(tf, *v) for k, v in context.items()}
    steps = {
        k: tf.train.FeatureList(feature=[feature(tf, kind, v) for v in values])
        for k, (kind, values) in lists.items()
    }
    return tf.train.SequenceExample(
        context=tf.train.Features(feature=found),
        feature_lists=tf.train.FeatureLists(feature_list=steps),
    ).SerializeToString()


def nodes(graph, kinds):
    """Operations of some types, with their inputs and static shapes."""
    return [
        [o.name, [t.name for t in o.inputs], [str(t.shape) for t in o.outputs]]
        for o in graph.get_operations()
        if o.type in kinds
    ]


def examples(tf):
    a = example(
        tf, i=("int64", [1, 2]), f=("float", [0.5]), s=("bytes", [b"x"]), k=None
    )
    b = example(tf, i=("int64", [3, 4]), s=("bytes", [b"y", b"z"]), k=("int64", [7]))
    c = example(tf, i=("int64", [5, 6]), f=("float", []), s=("bytes", []))
    found = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        features = {
            "i": tf.FixedLenFeature([2], tf.int64),
            "f": tf.FixedLenFeature([], tf.float32, default_value=-1.0),
            "s": tf.VarLenFeature(tf.string),
            "k": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
        }
        serialized = tf.placeholder(tf.string, [None])
        parsed = tf.parse_example(serialized, features)
        for name, batch in (("abc", [a, b, c]), ("b", [b]), ("none", [])):
            feed = {serialized: np.array(batch, object)}
            found[name] = failure(session.run, parsed, feed)
        features = dict(features, s=tf.VarLenFeature(tf.string))
        one = tf.placeholder(tf.string, [])
        single = tf.parse_single_example(one, features)
        for name, value in (("a", a), ("b", b), ("c", c), ("empty", b"")):
            found["single " + name] = failure(session.run, single, {one: value})
        found["static"] = {
            k: str(v.shape if hasattr(v, "shape") else v)
            for k, v in list(parsed.items()) + [("1" + k, v) for k, v in single.items()]
        }
        found["nodes"] = nodes(graph, ("ParseExample", "ParseSingleExample"))
        found["all"] = [[o.name, o.type] for o in graph.get_operations()]
    return found


def wrong_examples(tf):
    """Records that do not hold what is asked for."""
    good = example(tf, a=("int64", [1]))
    records = {
        "missing": example(tf),
        "type": example(tf, a=("float", [1.0])),
        "many": example(tf, a=("int64", [1, 2, 3])),
        "none": example(tf, a=("int64", [])),
        "junk": b"\njunk",
        "cut": good[:-1],
    }
    kinds = {
        "fixed": tf.FixedLenFeature([], tf.int64),
        "two": tf.FixedLenFeature([2], tf.int64),
        "default": tf.FixedLenFeature([], tf.int64, 3),
        "var": tf.VarLenFeature(tf.int64),
        "seq": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True),
    }
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        batch, one = tf.placeholder(tf.string, [None]), tf.placeholder(tf.string, [])
        for kind, spec in kinds.items():
            parsed = tf.parse_example(batch, {"a": spec})
            named = tf.parse_example(
                batch, {"a": spec}, example_names=tf.constant(["n0", "n1"])
            )
            single = tf.parse_single_example(one, {"a": spec})
            for name, record in records.items():
                key = kind + " " + name
                feed = {batch: [good, record]}
                found[key] = [
                    failure(session.run, parsed, feed),
                    failure(session.run, named, feed),
                    failure(session.run, single, {one: record}),
                ]
    strings = example(tf, b=("bytes", [b"a", b"b", b"c"]))
    steps = sequence(tf, {"c": ("bytes", [b"a", b"b"])}, {"x": ("bytes", [[b"a"] * 2])})
    fixed, many = tf.FixedLenFeature, tf.FixedLenSequenceFeature
    calls = [
        lambda: tf.parse_example([strings], {"b": fixed([2], tf.string)}),
        lambda: tf.parse_example([strings], {"b": many([2], tf.string, True)}),
        lambda: tf.parse_example([strings], {"b": fixed([2], tf.int64)}),
        lambda: tf.parse_example([strings], {"c": fixed([2], tf.string)}),
        lambda: tf.parse_single_sequence_example(steps, {"c": fixed([], tf.string)}),
        lambda: tf.parse_single_sequence_example(
            steps, None, {"x": many([], tf.string)}
        ),
    ]
    with tf.Graph().as_default(), tf.Session() as session:
        found["strings"] = [
            failure(lambda made: session.run(made()), call) for call in calls
        ]
    return found


def wrong_features(tf):
    """What is refused when the operations are made."""
    s = "x"
    fixed, var = tf.FixedLenFeature, tf.VarLenFeature
    sequence_feature, sparse = tf.FixedLenSequenceFeature, tf.SparseFeature
    calls = [
        lambda: tf.parse_example([s], {}),
        lambda: tf.parse_example([s], None),
        lambda: tf.parse_example(s, {"a": fixed([], tf.int64)}),
        lambda: tf.parse_single_example([s], {"a": fixed([], tf.int64)}),
        lambda: tf.parse_single_example(s, None),
        lambda: tf.parse_example([s], {"a": fixed([], None)}),
        lambda: tf.parse_example([s], {"a": fixed(None, tf.int64)}),
        lambda: tf.parse_example([s], {"a": fixed([None], tf.int64)}),
        lambda: tf.parse_example([s], {"a": fixed([None, 2], tf.int64)}),
        lambda: tf.parse_example([s], {"a": fixed([2, None], tf.int64)}),
        lambda: tf.parse_example([s], {"a": fixed([-1], tf.int64)}),
        lambda: tf.parse_example([s], {"a": fixed([], tf.int32)}),
        lambda: tf.parse_example([s], {"a": fixed([2], tf.int64, [1, 2, 3])}),
        lambda: tf.parse_example([s], {"a": fixed([], tf.int64, "q")}),
        lambda: tf.parse_example([s], {"a": var(None)}),
        lambda: tf.parse_example([s], {"a": var(tf.int32)}),
        lambda: tf.parse_example([s], {"a": "q"}),
        lambda: tf.parse_example([s], {"a": sequence_feature([], tf.int64)}),
        lambda: tf.parse_example([s], {"a": sequence_feature([], None, True)}),
        lambda: tf.parse_example([s], {"a": sequence_feature(None, tf.int64, True)}),
        lambda: tf.parse_example([s], {"a": sparse("i", "v", None, 3)}),
        lambda: tf.parse_example([s], {"a": sparse("", "v", tf.int64, 3)}),
        lambda: tf.parse_example([s], {"a": sparse("i", "", tf.int64, 3)}),
        lambda: tf.parse_example([s], {"a": sparse("i", "v", tf.int64, None)}),
        lambda: tf.parse_example([s], {"a": sparse(["i", "j"], "v", tf.int64, [3])}),
        lambda: tf.parse_single_sequence_example(s, None, None),
        lambda: tf.parse_single_sequence_example(
            s, {"a": sequence_feature([], "int64")}
        ),
        lambda: tf.parse_single_sequence_example(s, None, {"a": fixed([], tf.int64)}),
        lambda: tf.io.parse_sequence_example([s], None, None),
    ]
    with tf.Graph().as_default():
        return [failure(call) for call in calls]


def sparse_features(tf):
    a = example(
        tf,
        ix=("int64", [3, 1, 2]),
        iy=("int64", [0, 4, 1]),
        v=("float", [30.0, 10.0, 20.0]),
    )
    b = example(tf, ix=("int64", [0]), iy=("int64", [9]), v=("float", [1.0]))
    found = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        features = {
            "one": tf.SparseFeature("ix", "v", tf.float32, 5),
            "two": tf.SparseFeature(["ix", "iy"], "v", tf.float32, [5, 10]),
            "sorted": tf.SparseFeature("ix", "v", tf.float32, 5, already_sorted=True),
        }
        parsed = tf.parse_example([a, b], features)
        single = tf.parse_single_example(a, features)
        for name, values in (("batch", parsed), ("single", single)):
            found[name] = failure(session.run, values)
            found["shapes " + name] = [
                [k, str(v.indices.shape), str(v.values.shape), str(v.shape)]
                for k, v in sorted(values.items())
            ]
        kinds = ("ParseExample", "ParseSingleExample")
        found["nodes"] = nodes(graph, kinds)
    return found


def sequences(tf):
    a = sequence(
        tf,
        {"n": ("int64", [2]), "c": ("bytes", [b"q"])},
        {"x": ("float", [[1.0, 2.0], [3.0, 4.0]]), "t": ("int64", [[1], [2, 3], []])},
    )
    b = sequence(tf, {"n": ("int64", [1])}, {"x": ("float", [[5.0, 6.0]])})
    wrong = {
        "no list": sequence(tf, {"n": ("int64", [2])}, {}),
        "no context": sequence(tf, {}, {"x": ("float", [[5.0, 6.0]])}),
        "short": sequence(tf, {"n": ("int64", [1])}, {"x": ("float", [[5.0]])}),
        "type": sequence(tf, {"n": ("int64", [1])}, {"x": ("int64", [[5, 6]])}),
        "list type": sequence(
            tf, {"n": ("int64", [1])}, {"x": ("float", []), "t": ("float", [[5.0]])}
        ),
        "context type": sequence(tf, {"n": ("float", [1])}, {"x": ("float", [])}),
        "junk": b"\njunk",
        "nothing": b"",
    }
    found = {}
    context = {
        "n": tf.FixedLenFeature([], tf.int64),
        "c": tf.VarLenFeature(tf.string),
        "d": tf.FixedLenFeature([1], tf.float32, [0.5]),
    }
    lists = {
        "x": tf.FixedLenSequenceFeature([2], tf.float32),
        "t": tf.VarLenFeature(tf.int64),
        "m": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
    }
    with tf.Graph().as_default() as graph, tf.Session() as session:
        one, many = tf.placeholder(tf.string, []), tf.placeholder(tf.string, [None])
        single = tf.parse_single_sequence_example(one, context, lists)
        batch = tf.io.parse_sequence_example(many, context, lists)
        named = tf.parse_single_sequence_example(one, context, lists, "named")
        for name, record in [("a", a), ("b", b), *sorted(wrong.items())]:
            found[name] = failure(session.run, single, {one: record})
            found["named " + name] = failure(session.run, named, {one: record})
            found["batch " + name] = failure(session.run, batch, {many: [a, record]})
        found["shapes"] = [
            [k, str(v.shape)]
            for part in (*single, *batch)
            for k, v in sorted(part.items())
        ]
        kinds = ("ParseSequenceExample", "ParseSingleSequenceExample")
        found["nodes"] = nodes(graph, kinds)
    return found


def raw(tf):
    found = {}
    data = bytes(bytearray(range(16)))
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string)
        for name in (
            "float16 float32 float64 int32 uint16 uint8 int16 int8 int64 complex64 bool"
        ).split():
            for little in (True, False):
                op = tf.decode_raw(text, name, little_endian=little)
                key = name + " " + str(little)
                given = b"\1\0" if name == "bool" else data
                found[key] = failure(session.run, op, {text: given})
        op = tf.decode_raw(text, tf.int16)
        for key, value in (
            ("rows", [data, data[::-1]]),
            ("odd", data[:3]),
            ("differ", [data, data[:4]]),
            ("empty", b""),
            ("none", np.zeros((0, 2), object)),
        ):
            found[key] = failure(session.run, op, {text: value})
        found["static"] = [
            str(tf.decode_raw(tf.placeholder(tf.string, [3, None]), tf.int32).shape),
            str(op.shape),
        ]
        length = tf.placeholder(tf.int32)
        padded = tf.compat.v2.io.decode_raw
        for little in (True, False):
            op = padded(text, tf.int16, little, fixed_length=length)
            for size in (4, 8) if little else (4,):
                key = "fixed " + str(size) + " " + str(little)
                for given in ([b"abcd"], b"abcdef"):
                    feed = {text: given, length: size}
                    found[key + " " + str(len(given))] = failure(session.run, op, feed)
        calls = [
            lambda: padded(text, tf.int16, fixed_length=3).shape,
            lambda: padded(text, tf.int16, fixed_length=4).shape,
            lambda: padded(["a"], tf.int16, fixed_length=4).shape,
        ]
        found["fixed"] = [failure(lambda made: str(made()), call) for call in calls]
    return found


def csv(tf):
    found = {}
    lines = {
        "plain": "1,2.5,a",
        "rows": ["1,2.5,a", "-3,1e3,b c"],
        "quoted": '1,2,"a, ""b"""',
        "defaults": ",,",
        "few": "1,2",
        "many": "1,2,3,4",
        "no int": "x,2,3",
        "no float": "1,x,3",
        "large": "99999999999,1,s",
        "quote": '1,2,a"b',
        "unclosed": '1,2,"ab',
        "after": '1,2,"ab"c',
        "spaces": " 1 , 2 ,a ",
        "end": "1,2,a\n",
        "return": "1,2,a\r\n",
        "lines": '1,2,"a\nb"',
        "na": "NA,NA,NA",
        "empty": "",
    }
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string)
        forms = {
            "": tf.decode_csv(text, [[7], [0.5], ["d"]]),
            "required": tf.decode_csv(text, [tf.constant([], tf.int32), [], ["d"]]),
            "wide": tf.decode_csv(text, [[0], [1.0], tf.constant([], tf.int64)]),
            "free": tf.decode_csv(text, [[7], [0.5], ["d"]], use_quote_delim=False),
            "na": tf.decode_csv(text, [[7], [0.5], ["d"]], na_value="NA"),
            "some": tf.decode_csv(text, [[7], ["d"]], select_cols=[0, 2]),
            "double": tf.decode_csv(
                text,
                [tf.constant([1], tf.int64), tf.constant([1.0], tf.float64), ["d"]],
            ),
        }
        for form, ops in forms.items():
            for name, value in lines.items():
                key = form + " " + name
                found[key] = failure(session.run, ops, {text: value})
        tabs = tf.decode_csv(text, [[7], ["d"]], field_delim="\t")
        found["tabs"] = failure(session.run, tabs, {text: "1\tb"})
        calls = [
            lambda: tf.decode_csv(text, [[1]], field_delim=";;"),
            lambda: tf.decode_csv(text, [[1]], field_delim='"'),
            lambda: tf.decode_csv(text, [[1]], field_delim="\n"),
            lambda: tf.decode_csv(text, [[1]], select_cols=[0, 1]),
            lambda: tf.decode_csv(text, [[1], [2]], select_cols=[1, 0]),
            lambda: tf.decode_csv(text, [[1], [2]], select_cols=[-1, 0]),
            lambda: tf.decode_csv(text, [[1, 2]]),
            lambda: tf.decode_csv(text, [[[1]]]),
            lambda: tf.decode_csv(text, [[True]]),
        ]
        for i, call in enumerate(calls):
            run = failure(lambda made: session.run(made(), {text: "1"}), call)
            found["call " + str(i)] = run
        given = tf.placeholder(tf.string, [4, None])
        found["static"] = [str(t.shape) for t in tf.decode_csv(given, [[7], ["d"]])]
    return found


def tensors(tf):
    """Tensors as strings, and back."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        for name in "float32 int64 uint8 bool float16 complex64 string".split():
            value = tf.constant([["a", "b"]]) if name == "string" else None
            if value is None:
                value = tf.cast(tf.constant([[1, 0, 3]]), name)
            made = tf.serialize_tensor(value)
            found[name] = failure(session.run, [made, tf.parse_tensor(made, name)])
        text = tf.placeholder(tf.string)
        parse = tf.parse_tensor(text, tf.int32)
        made = session.run(tf.serialize_tensor([1.0]))
        for name, given in (("type", made), ("junk", b"\njunk"), ("two", [made, made])):
            found[name] = failure(session.run, parse, {text: given})
        found["static"] = [str(parse.shape), str(tf.serialize_tensor([1]).shape)]
        scalar = session.run(tf.serialize_tensor(3))
        found["scalar"] = failure(session.run, parse, {text: scalar})
    return found


def base64(tf):
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string)
        for pad in (False, True):
            op = tf.encode_base64(text, pad)
            given = [b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd"]
            found["encode " + str(pad)] = failure(session.run, op, {text: given})
        op = tf.decode_base64(text)
        for given in ("YQ", "YQ==", "YWI", "__79", "//79", "Y", "Y Q", "", "YR"):
            found["decode " + given] = failure(session.run, op, {text: given})
    return found


def compressed(tf):
    import zlib

    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string)
        ops = {k: tf.io.decode_compressed(text, k) for k in ("", "ZLIB", "GZIP")}
        packed = zlib.compress(b"abc" * 9)
        packer = zlib.compressobj(wbits=31)
        gzipped = packer.compress(b"abc" * 9) + packer.flush()
        for kind, op in ops.items():
            for name, given in (
                ("zlib", packed),
                ("gzip", gzipped),
                ("plain", b"abc"),
                ("none", b""),
                ("rows", [packed, packed]),
            ):
                key = kind + " " + name
                found[key] = failure(session.run, op, {text: given})
        found["junk"] = failure(
            lambda: session.run(tf.io.decode_compressed(text, "junk"), {text: b"a"})
        )
    return found


def json_examples(tf):
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string)
        op = tf.decode_json_example(text)
        features = {"a": tf.VarLenFeature(tf.int64)}
        read = tf.parse_example(tf.reshape(op, [-1]), features)
        good = '{"features":{"feature":{"a":{"int64List":{"value":["1","2"]}}}}}'
        for name, given in (
            ("good", good),
            ("rows", [good, good]),
            ("empty", "{}"),
        ):
            found[name] = failure(session.run, read, {text: given})
        for name, given in (("junk", "nope"), ("field", '{"x":1}')):
            found[name] = failure(session.run, op, {text: given})[0]
    return found


PROGRAMS = {
    "base64": base64,
    "compressed": compressed,
    "csv": csv,
    "examples": examples,
    "json_examples": json_examples,
    "raw": raw,
    "sequences": sequences,
    "sparse_features": sparse_features,
    "tensors": tensors,
    "wrong_examples": wrong_examples,
    "wrong_features": wrong_features,
}
