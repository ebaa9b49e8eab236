"""Writes savers.json: graphs, files and errors of Savers under TensorFlow 1.15."""

import base64
import json
import os
import tempfile

import saver_programs as programs
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


def files_of(**arguments):
    """The files of a checkpoint, without its graph."""
    folder = tempfile.mkdtemp()
    found = {}
    for name in programs.save(tf, folder, **arguments):
        if not name.endswith(".meta"):
            with open(os.path.join(folder, name), "rb") as stream:
                content = stream.read().replace(folder.encode(), b"FOLDER")
                found[name] = base64.b64encode(content).decode()
    return found


def main():
    found = {
        "graphs": {f.__name__: programs.graph_of(tf, f) for f in programs.GRAPHS},
        "refused": programs.refused(tf),
        "files": {
            "v2": files_of(),
            "v1": files_of(write_version=tf.train.SaverDef.V1),
        },
    }
    with open(os.path.join(HERE, "savers.json"), "w") as stream:
        json.dump(found, stream, indent=0, sort_keys=True)
        stream.write("\n")


if __name__ == "__main__":
    main()
