"""Programs with summaries, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import glob
import os
import tempfile

import numpy as np


def failure(run, *arguments):
    """What a call gives, or the class of its error and the first line."""
    try:
        return ["passed", plain(run(*arguments))]
    except Exception as error:  # the class is part of the result
        text = str(getattr(error, "message", error)).split("\n")[0]
        return [type(error).__name__, text]


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, type(None))) else str(value)


def numbers(tf):
    """Scalars and tensors, in several dtypes."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        for dtype in ("float32", "float64", "int32", "uint8", "float16", "bfloat16"):
            value = tf.cast(tf.constant(3.3), dtype)
            found[dtype] = session.run(tf.summary.scalar("a", value)).hex()
        made = {
            "zero": tf.summary.scalar("zero", 0.0),
            "int": tf.summary.scalar("int", tf.constant(-3)),
            "tensor": tf.summary.tensor_summary("t", tf.constant([[1, 2]])),
            "strings": tf.summary.tensor_summary("s", tf.constant(["x", "y"])),
            "text": tf.summary.text("text", tf.constant("**b**")),
            "family": tf.summary.scalar("q", 1.0, family="f"),
            "described": tf.summary.tensor_summary(
                "d", tf.constant(True), "long", display_name="D", family="f"
            ),
        }
        made["merged"] = tf.summary.merge([made["zero"], made["text"]])
        found.update({k: v.hex() for k, v in session.run(made).items()})
        op = tf.raw_ops.TensorSummary(tensor=[1.0, 2.0], name="by_name")
        found["by name"] = session.run(op).hex()
        several = tf.raw_ops.ScalarSummary(tags=["a", "b"], values=[1.0, 2.0])
        found["several"] = session.run(several).hex()
    return found


def drawn(shape, low, high, seed):
    random = np.random.RandomState(seed)
    return random.uniform(low, high, shape)


def histograms(tf):
    found = {}
    values = {
        "few": np.float32([1, 2, 3]),
        "none": np.zeros(0, np.float32),
        "far": np.float32([0, -1, 1e-13, 1e-12, 1e30, -1e30, 1e38]),
        "many": drawn((31, 7), -3, 3, 0).astype(np.float32),
        "half": drawn((50,), -1, 5, 1).astype(np.float16),
        "double": drawn((500,), -1e5, 1e5, 2),
        "int": np.array([1, 2, 300, -7]),
    }
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in values.items():
            found[name] = session.run(tf.summary.histogram(name, value)).hex()
    return found


def pixels(tf, serialized):
    """The parts of images in a summary, with the colors that they decode to."""
    found = []
    for value in tf.Summary.FromString(serialized).value:
        image = value.image
        size = [image.height, image.width, image.colorspace]
        data = decoded(tf, image.encoded_image_string, size)
        found.append([value.tag, size, data])
    return found


def decoded(tf, png, size):
    try:
        from PIL import Image
    except ImportError:
        return tf.Session().run(tf.image.decode_png(png)).ravel().tolist()
    import io

    return np.asarray(Image.open(io.BytesIO(png))).reshape(-1).tolist()


def images(tf):
    found = {}
    nan, inf = np.nan, np.inf
    rows = {
        "unit": [0.0, 0.5, 1.0, 0.25],
        "signed": [-1, 0, 2, 4],
        "negative": [-1, -1, -2, -0.5],
        "dark": [0, 0, 0, 1e-30],
        "dim": [1e-5, 2e-5, 0, 0],
        "nan": [nan, -1, 2, 3],
        "inf": [-inf, 1, 2, 3],
        "only nan": [nan, nan, nan, nan],
    }
    with tf.Graph().as_default(), tf.Session() as session:

        def run(*arguments, **named):
            return pixels(tf, session.run(tf.summary.image(*arguments, **named)))

        for name, row in rows.items():
            found[name] = run("i", np.float32(row).reshape(1, 2, 2, 1))
        for dtype in (np.float32, np.float64, np.float16):
            for depth in (1, 3, 4):
                value = drawn((2, 3, 2, depth), -3, 5, depth).astype(dtype)
                found[dtype.__name__ + " " + str(depth)] = run("i", value)
        whole = np.arange(36, dtype=np.uint8).reshape(3, 2, 2, 3)
        found["uint8"] = run("i", tf.constant(whole), max_outputs=2)
        found["one"] = run("i", tf.constant(whole), max_outputs=1)
        color = tf.make_tensor_proto([1, 2, 3], tf.uint8)
        value = np.float32([nan, 1, 2, 3, 4, 5]).reshape(1, 1, 2, 3)
        op = tf.raw_ops.ImageSummary(tag="c", tensor=value, bad_color=color)
        found["color"] = pixels(tf, session.run(op))
        x = tf.placeholder(tf.float32)
        op = tf.summary.image("x", x)
        for shape in ([2, 2], [1, 2, 2, 2], [1, 0, 2, 3], [0, 2, 2, 3]):
            zeros = np.zeros(shape, np.float32)
            found[str(shape)] = failure(session.run, op, {x: zeros})
        op = tf.raw_ops.ImageSummary(
            tag="c", tensor=x, bad_color=tf.make_tensor_proto([1, 2], tf.uint8)
        )
        found["short"] = failure(lambda: session.run(op, {x: np.zeros((1, 1, 1, 3))}))
        op = tf.raw_ops.ImageSummary(
            tag="c", tensor=x, bad_color=tf.make_tensor_proto([1, 2], tf.int32)
        )
        found["int"] = failure(lambda: session.run(op, {x: np.zeros((1, 1, 1, 3))}))
    return found


def sounds(tf):
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        x, rate = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
        op = tf.summary.audio("a", x, rate)
        one = tf.summary.audio("b", x, rate, max_outputs=1)
        levels = np.arange(-40, 40, dtype=np.float32) / 65536
        values = {
            "levels": (levels[None], 44100),
            "loud": (np.float32([[0, 1, -1, 0.5, 2, -3, np.nan]]), 8000.5),
            "stereo": (drawn((2, 9, 2), -1.2, 1.2, 3).astype(np.float32), 8000.7),
            "flat": (np.zeros(3, np.float32), 1),
            "slow": (np.zeros((1, 3), np.float32), 0),
            "empty": (np.zeros((1, 0), np.float32), 1),
            "none": (np.zeros((0, 3), np.float32), 1),
        }
        for name, (value, per_second) in values.items():
            feed = {x: value, rate: per_second}
            found[name] = [failure(session.run, op, feed)]
            found[name].append(failure(session.run, one, feed))
    return found


def refused(tf):
    """What fails, in building and in running."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        x, tags = tf.placeholder(tf.float32), tf.placeholder(tf.string)
        scalar = tf.raw_ops.ScalarSummary(tags=tags, values=x)
        for tag, value in (("a", [1.0]), (["a", "b"], 1.0), (["a"], [1.0, 2.0])):
            feed = {tags: tag, x: value}
            found[str((tag, value))] = failure(session.run, scalar, feed)
        histogram = tf.summary.histogram("h", x)
        for value in ([1.0, np.nan], [np.inf], [-np.inf, np.nan]):
            found[str(value)] = failure(session.run, histogram, {x: value})
        op = tf.raw_ops.HistogramSummary(tag=tags, values=x)
        found["tags"] = failure(session.run, op, {tags: ["a"], x: 1.0})
        op = tf.raw_ops.TensorSummaryV2(
            tag=tags, tensor=x, serialized_summary_metadata=""
        )
        found["tag"] = failure(session.run, op, {tags: ["a"], x: 1.0})
        one, other = tf.summary.scalar("one", 1.0), tf.summary.histogram("two", 1.0)
        twice = tf.summary.merge([one, other, one])
        found["twice"] = failure(session.run, twice)
        junk = tf.summary.merge([one, tags])
        found["junk"] = failure(session.run, junk, {tags: b"\xff\xff"})
        calls = [
            lambda: tf.summary.scalar("a", "text"),
            lambda: tf.summary.histogram("a", tf.constant(True)),
            lambda: tf.summary.text("a", x),
            lambda: tf.summary.scalar("", 1.0),
            lambda: tf.summary.scalar("-", 1.0),
            lambda: tf.summary.scalar(3, 1.0),
            lambda: tf.summary.merge([]),
            lambda: tf.summary.image("i", x, max_outputs=0),
            lambda: tf.summary.get_summary_description(one.op.node_def),
        ]
        found["calls"] = [failure(call) for call in calls]
    return found


def named(tf):
    """The nodes that summaries are, their names and collections."""
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        for name in ("loss", "loss", "los s: 3", "/abs/x"):
            failure(tf.summary.scalar, name, x)
        tf.summary.scalar("fa m/abs", x, family="fa m")
        with tf.name_scope("sc"):
            one = tf.summary.scalar("q", x, family="fam")
            tf.summary.scalar("q", x, collections=["c1", "c2"])
            tf.summary.histogram("h", x)
            tf.summary.image("im", tf.zeros([1, 2, 2, 1]), 2)
            tf.summary.audio("au", tf.zeros([1, 2]), 8000)
            tf.summary.text("tx", tf.constant("abc"))
            tf.summary.tensor_summary("ts", x, family="ff")
            tf.summary.merge([one], collections=["mm"], name="all of")
        with tf.variable_scope("v"):
            tf.summary.scalar("in", x)
        tf.summary.merge_all()
        tf.summary.merge_all(scope="sc")
        nothing = tf.summary.merge_all("nothing")
        nodes = [
            [o.name, o.type, [t.name for t in o.inputs], str(o.outputs[0].shape)]
            for o in graph.get_operations()
        ]
        keys = sorted(graph.get_all_collection_keys())
        kept = {k: [t.name for t in graph.get_collection(k)] for k in keys}
    return [nodes, kept, nothing]


def described(event):
    """An event without what depends on time and on the order of attributes."""
    event.wall_time = 0
    for kind in ("graph_def", "meta_graph_def"):
        if event.WhichOneof("what") == kind:
            setattr(event, kind, kind.encode())
    return event.SerializeToString().hex()


def written(tf):
    """What a FileWriter writes, and what it refuses."""
    found = {"failures": []}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        summary = tf.summary.scalar("l", x)
        text = tf.summary.text("t", tf.constant("q"))
        folder = os.path.join(tempfile.mkdtemp(), "a", "b")
        writer = tf.summary.FileWriter(folder, graph, filename_suffix=".end")
        found["same folder"] = writer.get_logdir() == folder
        writer.add_summary(session.run(summary, {x: 1.0}), 1)
        value = tf.Summary.Value(tag="p", simple_value=2.0)
        writer.add_summary(tf.Summary(value=[value]), np.int64(2))
        for step in (None, 2.7):
            writer.add_summary(session.run(text), step)
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 5)
        writer.add_run_metadata(tf.RunMetadata(), "tag", 6)
        writer.add_event(tf.Event(step=3, file_version="ab"))
        writer.add_meta_graph(tf.train.export_meta_graph(clear_devices=True), 3)
        writer.add_graph(None, 4, graph.as_graph_def())
        for call in (
            lambda: writer.add_run_metadata(tf.RunMetadata(), "tag", 7),
            lambda: writer.add_meta_graph(3),
            lambda: writer.add_graph(None),
            lambda: writer.add_graph(graph, graph_def=graph.as_graph_def()),
            lambda: writer.add_summary("text", 1),
        ):
            found["failures"].append(failure(call))
        writer.flush()
        writer.close()
        files = glob.glob(os.path.join(folder, "events.out.tfevents.*.end"))
        events = [described(e) for e in tf.train.summary_iterator(files[0])]
        found["events"] = events
    return found


PROGRAMS = {
    "histograms": histograms,
    "images": images,
    "named": named,
    "numbers": numbers,
    "refused": refused,
    "sounds": sounds,
    "written": written,
}
