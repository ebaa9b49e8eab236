"""Verdicts on GraphDefs, for whoever writes these to this process.

Run under TensorFlow 1.15.5 (Python 3.7). Each message is eight bytes, its length (high
byte first), and its content. A request is a serialized GraphDef; the answer is JSON:
`[]` where `tf.import_graph_def` takes it, else the exception's class and text. The
import may end the process: whoever asks starts another one.
"""

import json
import os
import struct


def read(stream):
    """The next message, or None at the end."""
    header = stream.read(8)
    if len(header) < 8:
        return None
    return stream.read(struct.unpack(">Q", header)[0])


def verdict(tf, text):
    """What an import says of a serialized GraphDef."""
    try:
        graph_def = tf.GraphDef.FromString(text)
        with tf.Graph().as_default():
            tf.import_graph_def(graph_def, name="")
    except Exception as error:
        return [type(error).__name__, str(error)]
    return []


def serve(tf):
    """Answer until the input ends; what the program prints goes nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    while True:
        text = read(requests)
        if text is None:
            return
        answer = json.dumps(verdict(tf, text)).encode()
        answers.write(struct.pack(">Q", len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    serve(tensorflow)
