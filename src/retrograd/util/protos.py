"""TensorFlow's protocol messages, as tensorboard carries them, found by name.

protobuf makes the members of these modules when they are imported: no type checker
knows them. They are imported at the first use, so a program without messages does not
wait for protobuf.
"""

from __future__ import annotations

import importlib
from typing import Any


def message(path: str) -> Any:
    """Return a message class; `path` names its file too: `"node_def.NodeDef"`.

    Raises:
      AttributeError, ModuleNotFoundError: there is no such message, or file.
    """
    file, name = path.split(".")
    return getattr(
        importlib.import_module(f"tensorboard.compat.proto.{file}_pb2"), name
    )
