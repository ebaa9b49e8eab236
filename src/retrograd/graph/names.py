"""Names of operations, and the standard names of collections."""

from __future__ import annotations

import re

VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\-/]*$")
VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\-/]*$")


def without_slash(name: str) -> str:
    """The scope's name: `a/b/` and `a/b` both give `a/b`."""
    return name[:-1] if name and name[-1] == "/" else name


def prepend_name_scope(name: str, import_scope: str | None) -> str:
    """`name` as it is once its graph is imported below `import_scope`."""
    if not import_scope:
        return name
    scope = without_slash(import_scope)
    mark, rest = re.match(r"([\^]|loc:@|)(.*)", name, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return f"{mark}{scope}/{rest}"


def strip_name_scope(name: str, export_scope: str | None) -> str:
    """`name` without `export_scope/` in front, where it starts so."""
    if not export_scope:
        return name
    scope = without_slash(export_scope)
    return re.sub(rf"^([\^]|loc:@|){re.escape(scope)}[/]+(.*)", r"\1\2", name)


class GraphKeys:
    """Standard names of graph collections."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"

    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"

    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"

    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"

    _SUMMARY_COLLECTION = "_SUMMARY_V2"
    _VARIABLE_COLLECTIONS = (
        GLOBAL_VARIABLES,
        LOCAL_VARIABLES,
        METRIC_VARIABLES,
        MODEL_VARIABLES,
        TRAINABLE_VARIABLES,
        MOVING_AVERAGE_VARIABLES,
        CONCATENATED_VARIABLES,
        TRAINABLE_RESOURCE_VARIABLES,
    )
    _STREAMING_MODEL_PORTS = "streaming_model_ports"

    @classmethod
    def _variables(cls) -> tuple[str, ...]:
        return cls._VARIABLE_COLLECTIONS

    #: the former name of GLOBAL_VARIABLES
    VARIABLES = GLOBAL_VARIABLES
