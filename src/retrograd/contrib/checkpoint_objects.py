"""`tf.contrib.checkpoint`: unique names, and what a checkpoint of objects holds."""

from __future__ import annotations

from typing import Any

from retrograd import errors
from retrograd.formats.checkpoint_reader import NewCheckpointReader
from retrograd.train.object_graph import OBJECT_GRAPH_PROTO_KEY
from retrograd.util import protos
from retrograd.util.tracking import Trackable


def object_metadata(save_path: str) -> Any:
    """The TrackableObjectGraph of a checkpoint of objects.

    Args:
      save_path: the checkpoint.

    Raises:
      ValueError: the checkpoint is none of objects.
    """
    reader = NewCheckpointReader(save_path)
    try:
        text = reader.get_tensor(OBJECT_GRAPH_PROTO_KEY)
    except errors.NotFoundError:
        raise ValueError(
            f'The specified checkpoint "{save_path}" does not appear to be '
            f'object-based (it is missing the key "{OBJECT_GRAPH_PROTO_KEY}"). '
            "Likely it was created with a name-based saver and does not contain an "
            "object dependency graph."
        ) from None
    proto = protos.message("trackable_object_graph.TrackableObjectGraph")()
    proto.ParseFromString(text)
    return proto


def dot_graph_from_checkpoint(save_path: str) -> str:
    """The objects of a checkpoint as a graph in the language of Graphviz.

    Args:
      save_path: the checkpoint.
    """
    reader = NewCheckpointReader(save_path)
    shapes = reader.get_variable_to_shape_map()
    kinds = reader.get_variable_to_dtype_map()
    lines = ["digraph {"]
    for number, node in enumerate(object_metadata(save_path).nodes):
        tip = ""
        for attribute in node.attributes:
            if attribute.name == "VARIABLE_VALUE":
                key = attribute.checkpoint_key
                shape = "[" + ", ".join(map(str, shapes[key])) + "]"
                tip = (
                    f' color=blue width=.25 tooltip="Variable {attribute.full_name} '
                    f'shape={shape} {kinds[key].name}"'
                )
        lines.append(f'N_{number} [shape=point label=""{tip or " width=.25"}]')
        for child in node.children:
            arrow = f"N_{number} -> N_{child.node_id}"
            lines.append(f'{arrow} [label="{child.local_name}"]')
    return "\n".join([*lines, "}", ""])


class UniqueNameTracker(Trackable):
    """Depends on objects by names that it makes unique."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def track(self, trackable: Trackable, base_name: str) -> Trackable:
        """Depend on an object by a name, or by that with a number behind it.

        Args:
          trackable: the object.
          base_name: the name.

        Returns:
          The object.

        Raises:
          ValueError: it is not trackable.
        """
        if not isinstance(trackable, Trackable):
            raise ValueError(f"Expected a trackable value, got {trackable}")
        taken = {r.name for r in self._unconditional_checkpoint_dependencies}
        name, number = base_name, self._counts.get(base_name, 0)
        while name in taken:
            number += 1
            name = f"{base_name}_{number}"
        self._counts[base_name] = number
        return self._track_trackable(trackable, name)
