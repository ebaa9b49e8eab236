"""What a module calls though it stands above the caller: the only way up the layers.

A graph asks for the shape of a new operation's outputs, which only declarations know;
an op that is applied in eager mode runs. The modules that can do it import those that
ask. So they hand over functions by name, and `PROVIDERS` says which module has which.
It is imported when the function is first needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

#: the module that provides each hook; no other module names one above itself
PROVIDERS = {
    "new_graph": "retrograd.graph.graph",
    "infer_shapes": "retrograd.ops.inference",
    "constant_as_shape": "retrograd.ops.static",
    "sparse_times": "retrograd.ops.sparse.arithmetic",
    "sparse_over": "retrograd.ops.sparse.arithmetic",
    "declare_callee": "retrograd.ops.flow.named_call_ops",
    "derivative_of": "retrograd.grad.calls",
    "python_gradient": "retrograd.grad.custom",
    "execute": "retrograd.run.eager",
    "eager_tensor": "retrograd.run.eager",
    "attr_to_user": "retrograd.formats.node",
    "attr_from_user": "retrograd.formats.node",
    "node_def": "retrograd.formats.node",
    "op_def_proto": "retrograd.formats.node",
    "graph_def": "retrograd.formats.graph_def",
    "versions": "retrograd.formats.graph_def",
    "record_message": "retrograd.formats.messages",
    "records": "retrograd.formats.records",
    "decompressed": "retrograd.formats.records",
    "compression_name": "retrograd.formats.records",
    "event_writer": "retrograd.formats.event_file",
    "get_or_create_global_step": "retrograd.train.training_util",
    "default_variable_creator": "retrograd.variables.creators",
    "default_variable_creator_v2": "retrograd.variables.creators",
    "variable_from_proto": "retrograd.variables.creators",
    "variable_protos": "retrograd.variables.protos",
    "write_checkpoint": "retrograd.formats.checkpoints",
    "write_slices": "retrograd.formats.slice_table",
    "read_checkpoint": "retrograd.formats.checkpoints",
    "merge_checkpoints": "retrograd.formats.checkpoints",
    "checkpoint_tensor": "retrograd.formats.checkpoints",
    "bundle_writer": "retrograd.formats.checkpoints",
    "bundle_reader": "retrograd.formats.checkpoints",
    "slice_shape": "retrograd.formats.checkpoints",
    "variables_are_resources": "retrograd.variables.scope",
    "queue_runner_protos": "retrograd.train.queue_runner",
    "saver_protos": "retrograd.train.saver",
    "saveable_of_table": "retrograd.train.table_saveable",
    "defun": "retrograd.functions.defun",
    "version_2_enabled": "retrograd.behavior",
    "traced_function": "retrograd.autograph.api",
    "program_tree": "retrograd.compat.restore.arithmetic",
    "default_mode": "retrograd.distribute.default",
    "layer_from_config": "retrograd.layers.deserialization",
    "model_classes": "retrograd.keras.sequential",
    "create_keras_history": "retrograd.layers.op_layers",
    "leads_back": "retrograd.layers.op_layers",
    "add_loss_to_network": "retrograd.keras.added",
    "add_metric_to_network": "retrograd.keras.added",
    "mean_metric": "retrograd.keras.mean_metrics",
}


class _Hooks:
    """The functions that have been handed over, as attributes.

    new_graph(): a graph; threads that have none get one.
    infer_shapes(op): set the static shapes of a new operation's outputs.
    constant_as_shape(tensor): the raw shape that a tensor is known to hold.
    sparse_times(x, y), sparse_over(x, y): a sparse tensor by a dense one.
    declare_callee(name): let operations of this type call a function of this name.
    derivative_of(function): the function that differentiates another.
    python_gradient(op, *dys): the derivatives of a Python function run under a tape.
    execute(op_def, inputs, attrs, name, wrong): run an op at once; the list of its
    outputs. What is `wrong` with it is raised, if it has a kernel.
    eager_tensor(array, dtype): a tensor with this value.
    attr_to_user(op, name, value): an attribute as `get_attr` returns it.
    attr_from_user(value): an attribute in memory form, from a message or plain value.
    node_def(op), op_def_proto(op_def), graph_def(graph, from_version, add_shapes),
    versions(graph): protocol messages.
    record_message(name): a message class of those that tensorboard lacks.
    records(path, compression): the records of a file, each with where it begins.
    decompressed(stream, compression): a stream of what a compressed file holds.
    compression_name(options): the compression that TFRecordOptions stand for.
    event_writer(logdir, max_queue, flush_secs, suffix): writes events to a new file.
    get_or_create_global_step(): the global step of the default graph.
    default_variable_creator(next_creator, **arguments): a variable; what `tf.Variable`
    calls, and in version 2 default_variable_creator_v2.
    variable_from_proto(message, import_scope): the variable that is described.
    write_checkpoint(prefix, names, specs, arrays, dtypes): write a checkpoint, and
    write_slices one of version 1; read_checkpoint(prefix, names, specs, dtypes): the
    arrays in one; merge_checkpoints(prefixes, destination, delete): make one of
    several. slice_shape(spec): the shape of the slice that is described.
    checkpoint_tensor(prefix, name): one tensor of a checkpoint of version 2.
    bundle_writer(prefix), bundle_reader(prefix): write and read one, as contexts.
    variable_protos(), queue_runner_protos(), saver_protos(): how items of collections
    are written; see `formats.proto_functions`.
    saveable_of_table(table, name): what a saver saves of a table that can be changed.
    variables_are_resources(): whether the current variable scope asks for those.
    version_2_enabled(): whether the habits of TensorFlow 2 are on.
    defun(function): a function that is traced and called as a graph.
    traced_function(function, options): what is run to trace a function, with its
    control flow converted.
    program_tree(tree, path, module): the syntax tree of code that is made of a
    program's, with what is done to the program's own.
    default_mode(): the strategy and the replica where none was chosen.
    layer_from_config(config, custom_objects): the layer that is described.
    model_classes(): the classes of models by the names that configurations have.
    create_keras_history(tensors): operations between layers become layers; these.
    leads_back(tensors): whether one of them depends on what layers give.
    add_loss_to_network(network, tensor): let a graph of layers have a loss;
    add_metric_to_network(network, tensor, aggregation, name): and a metric.
    mean_metric(name): a metric that is the mean of what it is given.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in PROVIDERS:
            raise AttributeError(name)
        importlib.import_module(PROVIDERS[name])
        return self.__dict__[name]

    def provide(self, **functions: Callable[..., Any]) -> None:
        """Hand functions over: the modules of `PROVIDERS` do as they are imported."""
        self.__dict__.update(functions)


hooks = _Hooks()
