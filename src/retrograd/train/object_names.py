"""Checkpoints of objects, read by the names that their variables had."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd import errors
from retrograd.formats.checkpoint_reader import NewCheckpointReader
from retrograd.train.object_graph import OBJECT_GRAPH_PROTO_KEY
from retrograd.train.saveable import SaveableObject
from retrograd.util import protos


def object_graph_key_mapping(checkpoint_path: str) -> dict[str, str] | None:
    """The keys of variables in a checkpoint of objects, by their names then.

    Args:
      checkpoint_path: the checkpoint.

    Returns:
      The keys; None if the checkpoint is none of objects.
    """
    reader = NewCheckpointReader(checkpoint_path)
    if not reader.has_tensor(OBJECT_GRAPH_PROTO_KEY):
        return None
    proto = protos.message("trackable_object_graph.TrackableObjectGraph")()
    proto.ParseFromString(reader.get_tensor(OBJECT_GRAPH_PROTO_KEY))
    return {
        attribute.full_name: attribute.checkpoint_key
        for node in proto.nodes
        for attribute in node.attributes
    }


def saveables_by_key(
    saveables: Sequence[SaveableObject], keys: dict[str, str]
) -> dict[str, SaveableObject]:
    """What is saved by name, to be read from a checkpoint of objects.

    Raises:
      NotFoundError: a name is not in the checkpoint.
    """
    current = {saveable.name for saveable in saveables}
    if current - set(keys):
        raise errors.NotFoundError(
            None,
            None,
            "\n\nExisting variables not in the checkpoint: "
            f"{', '.join(sorted(current - set(keys)))}\n\nVariables names when this "
            "checkpoint was written which don't exist now: "
            f"{', '.join(sorted(set(keys) - current))}\n\n({len(current & set(keys))} "
            "variable name(s) did match)\n\nCould not find some variables in the "
            "checkpoint (see names above). Saver was attempting to load an "
            "object-based checkpoint (saved using tf.train.Checkpoint or "
            "tf.keras.Model.save_weights) using variable names. If the checkpoint was "
            "written with eager execution enabled, it's possible that variable names "
            "have changed (for example missing a '_1' suffix). It's also possible that "
            "there are new variables which did not exist when the checkpoint was "
            "written. You can construct a Saver(var_list=...) with only the variables "
            "which previously existed, and if variable names have changed you may need "
            "to make this a dictionary with the old names as keys. If you're using an "
            "Estimator, you'll need to return a tf.train.Saver inside a "
            "tf.train.Scaffold from your model_fn.",
        )
    found = {}
    for saveable in saveables:
        key = keys[saveable.name]
        saveable.name = key
        for spec in saveable.specs:
            spec.name = key
        found[key] = saveable
    return found
