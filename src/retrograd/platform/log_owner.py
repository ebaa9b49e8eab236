"""Who set up logging first: the program, or TensorFlow when it was imported."""

from __future__ import annotations

import sys

#: whether `import tensorflow` came before the program had handlers of its own
ours = False


def note() -> None:
    """Remember, as TensorFlow is imported, whether the program has handlers by now.

    TensorFlow 1.15 gives its logger a handler at that moment if the root logger has
    none; what is added later (absl's handler of `tf.app.run`, `basicConfig`) writes
    each line a second time. `logging` is not imported for this.
    """
    global ours
    logging = sys.modules.get("logging")
    ours = logging is None or not logging.getLogger().handlers
