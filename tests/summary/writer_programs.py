"""Programs with summary writers in graphs, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import glob
import os
import tempfile


def failure(run, *arguments):
    """What a call gives, as text, or the class of its error and the first line."""
    try:
        return ["passed", str(run(*arguments))]
    except Exception as error:  # the class is part of the result
        text = str(getattr(error, "message", error)).split("\n")[0]
        return [type(error).__name__, text]


def events(tf, folder):
    """What the files of a folder hold, without times and the graphs themselves."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        assert "events.out.tfevents." in path
        for event in tf.compat.v1.train.summary_iterator(path):
            event.wall_time = 0
            if event.WhichOneof("what") == "graph_def":
                event.graph_def = b"graph"
            for value in event.summary.value:
                if value.HasField("image"):
                    value.image.encoded_image_string = b""
                if value.metadata.plugin_data.plugin_name == "images":
                    value.tensor.string_val[2] = b""
            found.append(event.SerializeToString().hex())
    # operations of one run have no order
    return sorted(found)


def built(graph):
    kinds = "Summary"
    return [
        [o.name, o.type, [t.name for t in o.inputs]]
        for o in graph.get_operations()
        if kinds in o.type or o.type in ("ImportEvent", "NoOp")
    ]


def in_a_graph(tf):
    summary = tf.contrib.summary
    folder = tempfile.mkdtemp()
    found = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        step = tf.train.create_global_step()
        writer = summary.create_file_writer(folder, flush_millis=10000)
        x = tf.constant([[1.0, 2.0]])
        with writer.as_default(), summary.always_record_summaries():
            summary.scalar("loss", 3.0)
            summary.scalar("loss", tf.constant(2), family="f", step=7)
            with tf.name_scope("sc"):
                summary.histogram("h", x)
            summary.image("i", tf.reshape(x, [1, 1, 2, 1]), max_images=1)
            summary.audio("a", x, 8000, 2)
            summary.generic("g", x)
            summary.generic("m", x, metadata="", family="f")
            with summary.never_record_summaries():
                summary.scalar("never", 1.0)
            recorded = summary.should_record_summaries()
            session.run(tf.global_variables_initializer())
            summary.initialize(graph, session=session)
        ops = summary.all_summary_ops()
        found["recorded"] = str(recorded)
        found["ops"] = [op.name for op in ops]
        session.run(ops)
        session.run([tf.assign(step, 5)])
        session.run(ops)
        session.run(summary.flush(writer=writer._resource))
        session.run(writer.close())
        found["nodes"] = built(graph)
    found["events"] = events(tf, folder)
    return found


def every_few_steps(tf):
    summary = tf.contrib.summary
    folder = tempfile.mkdtemp()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        step = tf.train.create_global_step()
        writer = summary.create_file_writer(folder, filename_suffix=".x")
        with writer.as_default(), summary.record_summaries_every_n_global_steps(2):
            op = summary.scalar("loss", tf.cast(step, tf.float32))
        up = tf.assign_add(step, 1)
        session.run(tf.global_variables_initializer())
        session.run(summary.summary_writer_initializer_op())
        for _ in range(5):
            session.run(op)
            session.run([up])
        session.run(writer.flush())
    names = [os.path.basename(p)[-2:] for p in glob.glob(os.path.join(folder, "*"))]
    return [events(tf, folder), names, len(graph.get_operations()) > 0]


def without_a_writer(tf):
    summary = tf.contrib.summary
    found = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.create_global_step()
        with summary.always_record_summaries():
            found["scalar"] = failure(lambda: summary.scalar("a", 1.0).name)
        found["ops"] = failure(lambda: str(summary.all_summary_ops()))
        found["initialize"] = failure(lambda: summary.initialize(session=session))
        found["initializers"] = failure(summary.summary_writer_initializer_op)
        found["flush"] = failure(summary.flush)
        found["none"] = failure(lambda: summary.create_file_writer(None).init())
        writer = summary.create_file_writer(tempfile.mkdtemp())
        with writer.as_default(), summary.always_record_summaries():
            op = summary.scalar("a", 1.0)
        session.run(tf.global_variables_initializer())
        found["not created"] = failure(session.run, op)[0]
        found["names"] = [o.name for o in graph.get_operations()][-4:]
    return found


def version_two(tf):
    v2 = tf.compat.v2.summary
    found = {}
    folder = tempfile.mkdtemp()
    with tf.Graph().as_default(), tf.Session() as session:
        writer = v2.create_file_writer(folder)
        with writer.as_default():
            made = v2.write("tag", tf.constant([1, 2]), step=3)
            with v2.record_if(False):
                off = v2.write("off", 1.0, step=4)
            try:
                v2.write("no step", 1.0)
            except ValueError as error:
                found["no step"] = str(error)
            v2.experimental.set_step(9)
            set_ = v2.write("set", tf.constant("x"))
            found["step"] = v2.experimental.get_step()
            v2.experimental.set_step(None)
        session.run(writer.init())
        found["written"] = [str(v) for v in session.run([made, off, set_])]
        session.run(writer.close())
    found["events"] = events(tf, folder)
    return found


def with_a_session(tf):
    folder = tempfile.mkdtemp()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        merged = tf.summary.scalar("a", 1.0)
        with tf.summary.FileWriter(folder, session=session) as writer:
            writer.add_summary(session.run(merged), 3)
            other = tf.summary.FileWriter(folder, session=session)
            other.add_summary(session.run(merged), 4)
            writer.flush()
        nodes = built(graph)
    return [sorted(events(tf, folder)), nodes]


PROGRAMS = {
    "every_few_steps": every_few_steps,
    "in_a_graph": in_a_graph,
    "version_two": version_two,
    "with_a_session": with_a_session,
    "without_a_writer": without_a_writer,
}
