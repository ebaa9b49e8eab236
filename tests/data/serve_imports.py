"""TensorFlow 1.15's verdict on GraphDefs, for whoever writes them to this process.

Run under TensorFlow 1.15.5 (Python 3.7). Each message is eight bytes, its length (big
end first), then the message. A request is a serialized GraphDef; the answer is JSON:
`[]` where `tf.import_graph_def` takes it, else the exception's class and message. The
import may end the process: whoever asks starts another one.
"""

import json
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def read(stream):
    """The next message, or None at the end."""
    header = stream.read(8)
    if len(header) < 8:
        return None
    return stream.read(struct.unpack(">Q", header)[0])


def verdict(tf, text):
    """What 1.15 says of a serialized GraphDef."""
    try:
        graph_def = tf.GraphDef.FromString(text)
        with tf.Graph().as_default():
            tf.import_graph_def(graph_def, name="")
    except Exception as error:
        return [type(error).__name__, str(error)]
    return []


def main():
    """Answer until the input ends; what TensorFlow prints goes nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    sys.stdout = open(os.devnull, "w")
    import tensorflow as tf

    while True:
        text = read(requests)
        if text is None:
            return
        answer = json.dumps(verdict(tf, text)).encode()
        answers.write(struct.pack(">Q", len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
