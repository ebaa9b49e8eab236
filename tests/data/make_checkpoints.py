"""Write checkpoints.json.gz: files and failures of tests/train/saver_programs.py.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import base64
import gzip
import json
import pathlib
import sys
import tempfile

import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("train", "variables"):
    sys.path.insert(0, str(HERE.parent / folder))

import programs  # noqa: E402
import saver_programs as saving  # noqa: E402


def main():
    found = {"graphs": {}}
    for name, build in saving.GRAPHS.items():
        with tf.Graph().as_default() as graph:
            build(tf)
            found["graphs"][name] = [programs.listing(graph), saving.described(graph)]
    with tempfile.TemporaryDirectory() as folder:
        files = saving.write_files(tf, folder)
        found["files"] = {
            name: base64.b64encode(data).decode() for name, data in files.items()
        }
        found["op failures"] = saving.op_failures(tf, folder)
        found["damage"] = saving.damage_failures(tf, folder, files)
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
        found["failures"] = saving.saver_failures(tf, folder)
    with tempfile.TemporaryDirectory() as folder:
        found["objects"] = saving.write_objects(tf, folder)
        for path in sorted(pathlib.Path(folder).glob("objects*")):
            data = base64.b64encode(path.read_bytes()).decode()
            found["files"][path.name] = data
    with tempfile.TemporaryDirectory() as folder:
        found["initializing"] = saving.initializing(tf, folder)
    text = json.dumps(found, sort_keys=True)
    path = HERE / "checkpoints.json.gz"
    with gzip.GzipFile(str(path), "wb", mtime=0) as stream:
        stream.write(text.encode())


main()
