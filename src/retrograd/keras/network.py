"""Networks: layers that are made of layers, by a graph of them or by a subclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.keras import network_config
from retrograd.keras.topology import Topology, flat_outputs, key_of, topology
from retrograd.layers import phase
from retrograd.layers.base import Layer, default
from retrograd.layers.given_shapes import each_shape, shapes_of
from retrograd.layers.lambdas import Lambda
from retrograd.layers.nodes import Node, has_history
from retrograd.layers.op_layers import create_keras_history
from retrograd.layers.records import reachable
from retrograd.layers.weights import layers_in
from retrograd.ops.array.constant import placeholder
from retrograd.ops.math.casts import cast
from retrograd.shapes import TensorShape
from retrograd.util.functions import fn_args
from retrograd.util.tracking import Trackable, TrackableReference

if TYPE_CHECKING:
    from retrograd.typing import PathLike, Structure, Training

_NO_INIT = (
    "It looks like you are subclassing `Model` and you forgot to call "
    "`super(YourClass, self).__init__()`. Always start with this line."
)


class Network(Layer):
    """A layer made of layers.

    Args:
      inputs: tensors of `Input`, for a graph of layers; none for a subclass that has a
        `call` of its own.
      outputs: the tensors that they lead to.
      name: its name; by default that of the class, with a number.
      trainable: whether its weights are trained.
      dynamic: whether `call` is run on values only.

    Raises:
      ValueError: the tensors do not make a graph of layers.
      TypeError: other arguments.
    """

    _compute_output_and_mask_jointly = True
    #: what the layers give for inputs, of a graph of layers
    _topology: Topology

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) == 2 or {"inputs", "outputs"} <= kwargs.keys():
            self._init_graph_network(*args, **kwargs)
        elif len(args) == 1 and "outputs" in kwargs:
            self._init_graph_network(*args, **kwargs)
        else:
            self._init_subclassed_network(**kwargs)

    def _init_base(
        self, name: str | None, trainable: bool = True, dynamic: bool = False
    ) -> None:
        self.__dict__["_is_graph_network"] = False
        before = self.__dict__.get("_layers", [])
        super().__init__(name=name, trainable=trainable, dynamic=dynamic)
        self.__dict__.update(
            _layers=before, optimizer=None, _is_compiled=False, supports_masking=False
        )

    def _init_subclassed_network(
        self,
        name: str | None = None,
        trainable: bool = True,
        dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("autocast", None)
        if kwargs:
            raise TypeError("Keyword argument not understood:", next(iter(kwargs)))
        self._init_base(name, trainable, dynamic)
        self.__dict__.update(inputs=[], outputs=[], input_names=[], output_names=[])
        self.__dict__.update(_nested_inputs=None, _nested_outputs=None)

    def _init_graph_network(
        self,
        inputs: Structure,
        outputs: Structure,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Become the graph of layers between these tensors."""
        kwargs.pop("dynamic", None)
        if kwargs:
            raise TypeError("Keyword argument not understood:", next(iter(kwargs)))
        if "_name" not in self.__dict__ or name != self.__dict__["_name"]:
            self._init_base(name, trainable)
        if isinstance(inputs, list) and len(nest.flatten(inputs)) == 1:
            inputs = inputs[0]
        if isinstance(outputs, list) and len(nest.flatten(outputs)) == 1:
            outputs = outputs[0]
        flat_in, flat_out = nest.flatten(inputs), nest.flatten(outputs)
        self._check_inputs(flat_in)
        if not has_history(flat_out):
            create_keras_history(flat_out)
        found = topology(flat_in, flat_out)
        kept = self.__dict__
        kept.update(
            _is_graph_network=True,
            _nested_inputs=inputs,
            _nested_outputs=outputs,
            inputs=flat_in,
            outputs=flat_out,
            built=True,
            _layers=list(found.layers),
            _topology=found,
            _network_nodes=found.keys,
            _nodes_by_depth=found.nodes,
            _layers_by_depth=found.layers_by_depth,
            _input_layers=[x._keras_history.layer for x in flat_in],
            _output_layers=[x._keras_history.layer for x in flat_out],
            _input_coordinates=[x._keras_history for x in flat_in],
            _output_coordinates=[x._keras_history for x in flat_out],
        )
        kept["input_names"] = [layer.name for layer in self._input_layers]
        kept["output_names"] = _unique(layer.name for layer in self._output_layers)
        self._inbound_nodes.clear()
        Node(self, [], [], [], inputs, outputs)
        kept["stateful"] = any(getattr(x, "stateful", False) for x in found.layers)

    def _check_inputs(self, inputs: Sequence[Any]) -> None:
        for tensor in inputs:
            if not hasattr(tensor, "_keras_history"):
                raise ValueError(
                    "Input tensors to a "
                    + type(self).__name__
                    + f" must come from `tf.keras.Input`. Received: {tensor} (missing "
                    "previous layer metadata)."
                )
        if len({id(x) for x in inputs}) != len(inputs):
            raise ValueError(
                "The list of inputs passed to the model is redundant. All inputs "
                f"should only appear once. Found: {list(inputs)}"
            )

    @property
    def _tracks_by_place(self) -> bool:
        """Whether checkpoints know the layers by their places."""
        return self._is_graph_network

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """The layers by their places, as 1.15 names them, then what attributes hold."""
        found: list[TrackableReference] = []
        with_weights = 0
        own = self.__dict__["_layers"] if self._tracks_by_place else ()
        for i, layer in enumerate(own):
            if layer.built and layer.weights:
                name = f"layer_with_weights-{with_weights}"
                found.append(TrackableReference(name, layer))
                with_weights += 1
            found.append(TrackableReference(f"layer-{i}", layer))
        return found + super()._checkpoint_dependencies

    # ------------------------------------------------------------------ attributes

    def __setattr__(self, name: str, value: object) -> None:
        if "_is_graph_network" not in self.__dict__:
            if any(True for _ in layers_in(value)):
                raise RuntimeError(_NO_INIT)
            if isinstance(value, Trackable):
                raise RuntimeError(_NO_INIT)
            object.__setattr__(self, name, value)
            return
        super().__setattr__(name, value)

    @property
    def layers(self) -> list[Layer]:
        """The layers, those next to the inputs first."""
        return self._children()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name, or of a number in `layers`.

        Raises:
          ValueError: there is none, or neither was given.
        """
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(self.layers)} layers."
                )
            return self.layers[index]
        if not name:
            raise ValueError("Provide either a layer name or layer index.")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}")

    # ------------------------------------------------------------------ weights

    def _check_weights_exist(self) -> None:
        """Require weights.

        Raises:
          ValueError: the class has a `build` that has not been called.
        """
        if self.dynamic or self._is_graph_network or self.built:
            return
        if "build" in type(self).__dict__:
            raise ValueError(
                f"Weights for model {self.name} have not yet been created. Weights are "
                "created when the Model is first called on inputs or `build()` is "
                "called with an `input_shape`."
            )

    @property
    def weights(self) -> list[Any]:
        """All variables: those of the layers one layer after another, then its own."""
        self._check_weights_exist()
        own = self._trainable_weights + self._non_trainable_weights
        return self._gather_children_attribute("weights") + own

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained: those of the layers, then its own."""
        self._check_weights_exist()
        if not self.trainable:
            return []
        nested = self._gather_children_attribute("trainable_weights")
        return nested + self._trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        self._check_weights_exist()
        fixed = self._gather_children_attribute("non_trainable_weights")
        fixed += self._non_trainable_weights
        if self.trainable:
            return fixed
        nested = self._gather_children_attribute("trainable_weights")
        return self._trainable_weights + nested + fixed

    # ------------------------------------------------------------------ records

    def _reached(self) -> list[Any]:
        """The tensors that the network, wherever it was called, was called with."""
        inputs = [
            x for node in self._inbound_nodes for x in nest.flatten(node.input_tensors)
        ]
        return inputs or list(self.inputs)

    @property
    def losses(self) -> list[Any]:
        """The losses of the layers; of shared ones those that belong to the network."""
        losses = super().losses
        if context.executing_eagerly() or not self._reached():
            return losses
        found = reachable(self._reached(), losses)
        return [
            loss
            for loss in losses
            if getattr(loss, "_unconditional_loss", False) or id(loss) in found
        ]

    @property
    def updates(self) -> list[Any]:
        """The updates of the layers; of shared ones those that belong here."""
        updates = super().updates
        if not self._reached():
            return updates
        found = reachable(self._reached(), updates)
        return [
            update
            for update in updates
            if getattr(update, "_unconditional_update", False) or id(update) in found
        ]

    @property
    def state_updates(self) -> list[Any]:
        """The updates of stateful layers."""
        return [
            update
            for layer in self.layers
            if getattr(layer, "stateful", False)
            for update in layer.updates
        ]

    def reset_states(self) -> None:
        """Reset the states of stateful layers."""
        for layer in self.layers:
            reset: Any = getattr(layer, "reset_states", None)
            if reset is not None and getattr(layer, "stateful", False):
                reset()

    def _add_symbolic_loss(self, tensor: Any) -> None:
        if not self._is_graph_network:
            super()._add_symbolic_loss(tensor)
            return
        hooks.add_loss_to_network(self, tensor)

    def _insert_layers(self, layers: Sequence[Layer], nodes: Sequence[Node]) -> None:
        """Take more layers and nodes into the graph, below all others."""
        found = self._topology
        lowest = min(found.nodes, default=0)
        depths = {id(n): d for d, ns in found.nodes.items() for n in ns}
        for depth, node in enumerate(nodes, start=1):
            if id(node) not in depths:
                found.nodes.setdefault(lowest - depth, []).append(node)
                found.keys.add(key_of(node))
        for layer in layers:
            if all(layer is not known for known in self._layers):
                self._layers.append(layer)
                found.layers.append(layer)

    # ------------------------------------------------------------------ calls

    @property
    def dynamic(self) -> bool:
        """Whether the network, or a layer in it, is run on values only."""
        if self._is_graph_network:
            return any(layer.dynamic for layer in self.layers)
        return self._dynamic or any(layer.dynamic for layer in self.layers)

    def _expects(self, argument: str) -> bool:
        if self._is_graph_network and argument in ("training", "mask"):
            return True
        return super()._expects(argument)

    @default
    def build(self, input_shape: Structure) -> None:
        """Make the weights for a shape of the inputs.

        Raises:
          ValueError: no shape, a shape of a wrong type, or `call` fails on it.
        """
        if self._is_graph_network:
            self.built = True
            return
        if input_shape is None:
            raise ValueError(
                "Input shape must be defined when calling build on a model subclass "
                "network."
            )
        if not isinstance(input_shape, (tuple, list, dict, TensorShape)):
            raise ValueError(
                "Specified input shape is not one of the valid types. Please specify a "
                "batch input shape of type tuple or list of input shapes. User "
                f"provided input type: {type(input_shape)}"
            )
        if not self.built and self.inputs == [] and "call" in _defined(type(self)):
            self._try_call(input_shape)
        self.built = True

    def _try_call(self, input_shape: Structure) -> None:
        """Call the network on placeholders, to make its weights."""
        graph = context.get_default_graph()
        if context.executing_eagerly():
            graph = FuncGraph("build_graph")
        with graph.as_default():
            given = each_shape(lambda s: placeholder("float32", s), input_shape)
            arguments: dict[str, Any] = {}
            names = fn_args(self.call)
            if "training" in names:
                arguments["training"] = False
            if len(names) - len(arguments) > 1:
                raise ValueError(
                    "Currently, you cannot build your model if it has positional or "
                    "keyword arguments that are not inputs to the model, but are "
                    "required for its `call` method. Instead, in order to instantiate "
                    "and build your model, `call` your model on real tensor data with "
                    "all expected call arguments."
                )
            try:
                self.call(given, **arguments)
            except (TypeError, NotImplementedError) as error:
                if isinstance(error, NotImplementedError):
                    raise
                raise ValueError(
                    "You cannot build your model by calling `build` if your layers do "
                    "not support float type inputs. Instead, in order to instantiate "
                    "and build your model, `call` your model on real tensor data (of "
                    "the correct dtype)."
                ) from error

    def call(self, inputs: Structure, training: Any = None, mask: Any = None) -> Any:
        """The outputs for inputs.

        Raises:
          NotImplementedError: a subclass has no `call` of its own.
        """
        if not self._is_graph_network:
            raise NotImplementedError(
                "When subclassing the `Model` class, you should implement a `call` "
                "method."
            )
        return self._run_internal_graph(inputs, training, mask)

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The masks of the outputs."""
        if not self._is_graph_network:
            return None
        outputs = self._run_internal_graph(inputs, mask=mask)
        return nest.map_structure(lambda x: getattr(x, "_keras_mask", None), outputs)

    def _run_internal_graph(
        self, inputs: Structure, training: Training | None = None, mask: Any = None
    ) -> Any:
        """The outputs of a graph of layers for other inputs."""
        given = self._flat_inputs(inputs)
        if mask is not None:
            for tensor, of in zip(given, nest.flatten(mask), strict=False):
                tensor._keras_mask = of
        values: dict[int, Any] = {}
        for reference, tensor in zip(self.inputs, given, strict=True):
            values[id(reference)] = tensor
        for node in self._topology.in_order():
            if not node.iterate_inbound() and id(flat_outputs(node)[0]) in values:
                continue
            needed = nest.flatten(node.input_tensors)
            if not all(id(x) in values for x in needed):
                continue
            computed = nest.map_structure(lambda x: values[id(x)], node.input_tensors)
            if isinstance(computed, list) and len(computed) == 1:
                computed = computed[0]
            layer = node.outbound_layer
            outputs = layer(computed, **_arguments(node, layer, values, training))
            for reference, tensor in zip(
                flat_outputs(node), nest.flatten(outputs), strict=False
            ):
                values[id(reference)] = tensor
        for output in self.outputs:
            assert id(output) in values, f"Could not compute output {output}"
        found = [values[id(x)] for x in self.outputs]
        return nest.pack_sequence_as(self._nested_outputs, found)

    def _flat_inputs(self, inputs: Structure) -> list[Any]:
        """The inputs in the order of the network's; of the dtypes that it expects."""
        if isinstance(self._nested_inputs, Mapping) and isinstance(inputs, Mapping):
            inputs = {key: inputs[key] for key in self._nested_inputs}
        flat = nest.flatten(inputs)
        return [
            cast(x, want.dtype)
            if isinstance(x, Tensor)
            and x.dtype.base_dtype != want.dtype.base_dtype
            and x.dtype.is_floating
            and want.dtype.is_floating
            else x
            for x, want in zip(flat, self.inputs, strict=True)
        ]

    @default
    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The shapes of the outputs for shapes of the inputs."""
        if not self._is_graph_network:
            return super().compute_output_shape(input_shape)
        with FuncGraph("shapes").as_default(), phase.learning_phase_scope(0):
            pairs = zip(self.inputs, shapes_of(input_shape), strict=True)
            given = [placeholder(x.dtype, s) for x, s in pairs]
            packed = nest.pack_sequence_as(self._nested_inputs, given)
            outputs = self._run_internal_graph(packed, training=False)
        return nest.map_structure(lambda x: x.shape, outputs)

    # ------------------------------------------------------------------ configuration

    def get_config(self) -> dict[str, Any]:
        """The layers' configurations and how they are connected.

        Raises:
          NotImplementedError: the network is a subclass's.
        """
        if not self._is_graph_network:
            raise NotImplementedError
        return network_config.write(self)

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Any:
        """The network that `get_config` has described.

        Raises:
          ValueError: layers are connected in no order that can be made.
        """
        inputs, outputs = network_config.read(config, custom_objects)
        return cls(inputs=inputs, outputs=outputs, name=config.get("name"))

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text; `kwargs` are those of `json.dumps`."""
        return network_config.to_json(self, **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """The configuration as YAML text; `kwargs` are those of `yaml.dump`."""
        return network_config.to_yaml(self, **kwargs)

    def save(
        self,
        filepath: PathLike,
        overwrite: bool = True,
        include_optimizer: bool = True,
        save_format: str | None = None,
        signatures: object = None,
    ) -> None:
        """Write the model to a file; see `save_model`."""
        from retrograd.keras.saving import save_model

        save_model(
            self, filepath, overwrite, include_optimizer, save_format, signatures
        )

    def save_weights(
        self,
        filepath: PathLike,
        overwrite: bool = True,
        save_format: str | None = None,
    ) -> None:
        """Write the weights to a file.

        Args:
          filepath: an HDF5 file where it ends in `.h5`, `.hdf5` or `.keras`; else the
            prefix of a checkpoint.
          overwrite: whether a file that is there is replaced unasked.
          save_format: `h5` or `tf`, in place of what the name says.

        Raises:
          ValueError: the format does not fit the name, or there are no weights yet.
          ImportError: h5py is missing.
        """
        from retrograd.keras.saving import save_weights

        save_weights(self, filepath, overwrite, save_format)

    def load_weights(
        self, filepath: PathLike, by_name: bool = False, skip_mismatch: bool = False
    ) -> Any:
        """Take the weights of a file.

        Args:
          filepath: the file, or the prefix of a checkpoint.
          by_name: whether layers are found by their names, rather than in order.
          skip_mismatch: whether what does not fit is left out, where `by_name`.

        Raises:
          ValueError: the file holds other layers or shapes; then nothing has changed.
        """
        from retrograd.keras.saving import load_weights

        return load_weights(self, filepath, by_name, skip_mismatch)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
    ) -> None:
        """Print the layers, the shapes of their outputs and their numbers of weights.

        Args:
          line_length: how long lines are.
          positions: where the columns end, as parts of a line.
          print_fn: called with each line; by default `print`.

        Raises:
          ValueError: the weights have not been made yet.
        """
        from retrograd.keras.layer_utils import print_summary

        if not self.built:
            raise ValueError(
                "This model has not yet been built. Build the model first by calling "
                "`build()` or calling `fit()` with some data, or specify an "
                "`input_shape` argument in the first layer(s) for automatic build."
            )
        print_summary(self, line_length, positions, print_fn)


def _unique(names: Any) -> list[str]:
    """Names, the second of a kind with `_1` and so on."""
    counts: dict[str, int] = {}
    found = []
    for name in names:
        count = counts.get(name, 0)
        counts[name] = count + 1
        found.append(f"{name}_{count}" if count else name)
    return found


def _defined(kind: type) -> set[str]:
    """The methods that a class, or one between it and `Network`, defines."""
    return {
        name
        for base in kind.__mro__
        if base is not Network and issubclass(base, Network)
        for name in vars(base)
    }


def _arguments(
    node: Node, layer: Layer, values: Mapping[int, Any], training: Training | None
) -> dict[str, Any]:
    """The arguments of a node's call, tensors among them as they were computed."""

    def computed(value: Any) -> Any:
        return values.get(id(value), value) if isinstance(value, Tensor) else value

    found = {k: nest.map_structure(computed, v) for k, v in node.arguments.items()}
    if training is not None and layer._expects("training"):
        if not isinstance(layer, Lambda):
            found.setdefault("training", training)
    return found
