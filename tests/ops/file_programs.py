"""Programs that read files in a graph, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import os
import re
import tempfile

from parsing_programs import failure as unmasked
from parsing_programs import plain


def failure(run, *arguments):
    """As that of `parsing_programs`, without the numbers of queues."""
    kind, text = unmasked(run, *arguments)
    if kind != "passed":
        text = re.sub(r"'_\d+_", "'_N_", text)
    return [kind, text]


class Folder:
    """A folder with files, whose name is taken out of results."""

    def __init__(self):
        self.path = tempfile.mkdtemp()

    def write(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "wb") as stream:
            stream.write(content)
        return path

    def read(self, path):
        with open(path, "rb") as stream:
            return stream.read()

    def bare(self, value):
        if isinstance(value, str):
            hexed = self.path.encode().hex()
            return value.replace(self.path, "DIR").replace(hexed, "DIR")
        if isinstance(value, (list, tuple)):
            return [self.bare(v) for v in value]
        if isinstance(value, dict):
            return {k: self.bare(v) for k, v in value.items()}
        return value


def drained(session, reader, paths, tf, limit=12):
    """All that a reader reads from files, and how it counts."""
    queue = tf.FIFOQueue(9, [tf.string], [()])
    session.run(queue.enqueue_many([paths]))
    session.run(queue.close())
    key, value = reader.read(queue)
    found = [[str(key.shape), str(value.shape), key.name, value.name]]
    counts = [reader.num_records_produced(), reader.num_work_units_completed()]
    for _ in range(limit):
        found.append(failure(session.run, [key, value]))
        found.append(plain(session.run(counts)))
        if found[-2][0] != "passed":
            break
    return found


def records(folder, tf, name, values, kind=""):
    path = os.path.join(folder.path, name)
    with tf.python_io.TFRecordWriter(path, kind) as writer:
        for value in values:
            writer.write(value)
    return path


def readers(tf):
    folder = Folder()
    text = folder.write("a.txt", b"one\ntwo\n\nlast")
    crlf = folder.write("b.txt", b"head\r\nx\r\n")
    none = folder.write("c.txt", b"")
    fixed = folder.write("d.bin", b"HHaabbccFF")
    odd = folder.write("e.bin", b"HHaabFF")
    two = records(folder, tf, "f", [b"first", b"", b"third"])
    zipped = records(folder, tf, "g", [b"first", b"x"], "GZIP")
    cut = folder.write("h", folder.read(two)[:-3])
    missing = os.path.join(folder.path, "missing")
    options = tf.python_io.TFRecordOptions("GZIP")
    cases = {
        "lines": (tf.TextLineReader, {}, [text, none, crlf]),
        "skip": (tf.TextLineReader, {"skip_header_lines": 1}, [text, crlf, none]),
        "skip much": (tf.TextLineReader, {"skip_header_lines": 9}, [text]),
        "whole": (tf.WholeFileReader, {}, [text, none]),
        "identity": (tf.IdentityReader, {}, ["work", ""]),
        "records": (tf.TFRecordReader, {}, [two, none, two]),
        "zipped": (tf.TFRecordReader, {"options": options}, [zipped]),
        "not zipped": (tf.TFRecordReader, {}, [zipped]),
        "cut": (tf.TFRecordReader, {}, [cut]),
        "missing": (tf.WholeFileReader, {}, [missing]),
        "no lines": (tf.TextLineReader, {}, [missing]),
        "no records": (tf.TFRecordReader, {}, [missing]),
    }
    fixed_cases = {
        "fixed": (dict(record_bytes=2, header_bytes=2, footer_bytes=2), [fixed, fixed]),
        "hop": (dict(record_bytes=2, hop_bytes=3), [fixed]),
        "overlap": (dict(record_bytes=4, hop_bytes=2), [fixed]),
        "odd": (dict(record_bytes=2, header_bytes=2, footer_bytes=2), [odd]),
        "short": (dict(record_bytes=20), [fixed, odd]),
    }
    for name, (options, paths) in fixed_cases.items():
        cases[name] = (tf.FixedLengthRecordReader, options, paths)
    found = {}
    for name, (kind, options, paths) in cases.items():
        with tf.Graph().as_default(), tf.Session() as session:
            found[name] = drained(session, kind(name="r", **options), paths, tf)
    return folder.bare(found)


def reader_states(tf):
    folder = Folder()
    text = folder.write("a.txt", b"1\n2\n3\n4\n5")
    found = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        queue = tf.FIFOQueue(9, [tf.string], [()])
        put = queue.enqueue_many([[text, text]])
        reader = tf.TextLineReader()
        several = reader.read_up_to(queue, tf.constant(3, tf.int64))
        count = reader.num_records_produced()
        session.run([put])
        found["batches"] = [failure(session.run, several) for _ in range(4)]
        found["count"] = plain(session.run(count))
        session.run(queue.close())
        found["end"] = failure(session.run, several)
        session.run(reader.reset())
        found["reset"] = plain(session.run(count))
        found["serialize"] = failure(lambda: session.run(reader.serialize_state()))[0]
        found["static"] = [str(t.shape) for t in several]
        found["supports"] = [reader.supports_serialize, reader.reader_ref.dtype.name]
        same = tf.IdentityReader("same")
        work = tf.FIFOQueue(9, [tf.string], [()])
        read = same.read(work)
        session.run(work.enqueue_many([["a", "b", "c"]]))
        session.run(read)
        state = session.run(same.serialize_state())
        session.run(read)
        before = plain(session.run(same.num_records_produced()))
        session.run(same.restore_state(state))
        after = plain(session.run(same.num_records_produced()))
        found["restored"] = [state.hex(), before, after]
        found["junk"] = failure(session.run, same.restore_state("junk"))
        found["rank"] = failure(same.restore_state, ["junk"])
        kinds = (
            "TextLineReaderV2",
            "ReaderReadUpToV2",
            "ReaderReadV2",
            "IdentityReaderV2",
        )
        found["nodes"] = [
            [o.name, o.type, [t.name for t in o.inputs]]
            for o in graph.get_operations()
            if o.type in kinds
        ]
        wrong = tf.FIFOQueue(9, [tf.int32], [()])
        session.run(wrong.enqueue(1))
        found["queue"] = failure(session.run, same.read(wrong))
    return folder.bare(found)


def files(tf):
    folder = Folder()
    for name in ("b.txt", "a.txt", "c.csv"):
        folder.write(name, name.encode())
    here = folder.path + "/"
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        path, content = tf.placeholder(tf.string), tf.placeholder(tf.string)
        read, write = tf.read_file(path), tf.write_file(path, content)
        found["read"] = failure(session.run, read, {path: here + "a.txt"})
        found["missing"] = failure(session.run, read, {path: here + "none"})
        found["folder"] = failure(session.run, read, {path: folder.path})
        found["rank"] = failure(session.run, read, {path: ["a"]})
        new = here + "new/deep/f"
        found["write"] = failure(session.run, [write], {path: new, content: "x"})
        found["written"] = failure(session.run, read, {path: new})
        for feed in ({path: ["a"], content: "x"}, {path: "a", content: ["x"]}):
            found[str(sorted(map(str, feed.values())))] = failure(
                session.run, [write], feed
            )
        match = tf.matching_files(path)
        for pattern in ("*.txt", "none*", "?.c*", ""):
            given = here + pattern if pattern else ""
            found["match " + pattern] = failure(session.run, match, {path: given})
        several = [here + "c*", here + "*.txt"]
        found["several"] = failure(session.run, match, {path: several})
        found["static"] = [str(read.shape), str(match.shape)]
        name = tf.raw_ops.ShardedFilename(basename="x", shard=3, num_shards=10)
        spec = tf.raw_ops.ShardedFilespec(basename="x", num_shards=10)
        found["shards"] = failure(session.run, [name, spec])
    return folder.bare(found)


def datasets(tf):
    """Datasets of what is in files."""
    folder = Folder()
    text = folder.write("a.txt", b"one\r\ntwo\n\nlast")
    fixed = folder.write("d.bin", b"HHaabbccFF")
    odd = folder.write("e.bin", b"HHaabFF")
    two = records(folder, tf, "f", [b"first", b"", b"third"])
    zipped = records(folder, tf, "g", [b"first", b"x"], "GZIP")
    cut = folder.write("h", folder.read(two)[:-3])
    missing = os.path.join(folder.path, "missing")
    data = tf.data
    cases = {
        "records": lambda: data.TFRecordDataset([two, two]),
        "one": lambda: data.TFRecordDataset(two, buffer_size=10),
        "zipped": lambda: data.TFRecordDataset(zipped, "GZIP"),
        "wrong": lambda: data.TFRecordDataset(zipped, "ZLIB"),
        "junk": lambda: data.TFRecordDataset(zipped, "junk"),
        "cut": lambda: data.TFRecordDataset(cut),
        "missing": lambda: data.TFRecordDataset(missing),
        "lines": lambda: data.TextLineDataset([text, text]),
        "no lines": lambda: data.TextLineDataset(missing),
        "fixed": lambda: data.FixedLengthRecordDataset([fixed], 2, 2, 2),
        "odd": lambda: data.FixedLengthRecordDataset(odd, 2, 2, 2),
        "small": lambda: data.FixedLengthRecordDataset(odd, 2, 20),
        "zero": lambda: data.FixedLengthRecordDataset(odd, 0),
        "header": lambda: data.FixedLengthRecordDataset(odd, 2, -1),
        "types": lambda: data.TFRecordDataset([1]),
        "batched": lambda: data.TextLineDataset(text).batch(3),
        "types of a dataset": lambda: data.TFRecordDataset(data.Dataset.range(2)),
        "shapes of a dataset": lambda: data.TFRecordDataset(
            data.Dataset.from_tensors([two])
        ),
    }
    found = {}
    for name, make in cases.items():
        with tf.Graph().as_default(), tf.Session() as session:
            try:
                dataset = make()
                iterator = dataset.make_initializable_iterator()
                element = iterator.get_next()
            except Exception:
                found[name] = failure(make)
                continue
            found[name] = [str(element.shape), element.dtype.name]
            started = failure(session.run, [iterator.initializer])
            found[name].append(started)
            for _ in range(9):
                found[name].append(failure(session.run, element))
                if found[name][-1][0] != "passed":
                    break
    return folder.bare(found)


PROGRAMS = {
    "datasets": datasets,
    "files": files,
    "reader_states": reader_states,
    "readers": readers,
}
