"""What a SavedModel is called and offers: constants, and signatures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, errors
from retrograd.graph import context
from retrograd.graph.composite import SparseTensor, is_sparse
from retrograd.graph.names import prepend_name_scope
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Message

ASSETS_DIRECTORY = "assets"
ASSETS_KEY = "saved_model_assets"
LEGACY_INIT_OP_KEY = "legacy_init_op"
MAIN_OP_KEY = "saved_model_main_op"
SAVED_MODEL_FILENAME_PB = "saved_model.pb"
SAVED_MODEL_FILENAME_PBTXT = "saved_model.pbtxt"
SAVED_MODEL_SCHEMA_VERSION = 1
VARIABLES_DIRECTORY = "variables"
VARIABLES_FILENAME = "variables"

SERVING, TRAINING, EVAL, GPU, TPU = "serve", "train", "eval", "gpu", "tpu"

DEFAULT_SERVING_SIGNATURE_DEF_KEY = "serving_default"
CLASSIFY_INPUTS = "inputs"
CLASSIFY_METHOD_NAME = "tensorflow/serving/classify"
CLASSIFY_OUTPUT_CLASSES = "classes"
CLASSIFY_OUTPUT_SCORES = "scores"
PREDICT_INPUTS = "inputs"
PREDICT_METHOD_NAME = "tensorflow/serving/predict"
PREDICT_OUTPUTS = "outputs"
REGRESS_INPUTS = "inputs"
REGRESS_METHOD_NAME = "tensorflow/serving/regress"
REGRESS_OUTPUTS = "outputs"


def get_variables_path(export_dir: str) -> str:
    """What the names of the variables' files in a SavedModel begin with."""
    return os.path.join(export_dir, VARIABLES_DIRECTORY, VARIABLES_FILENAME)


def build_tensor_info(tensor: Tensor | SparseTensor) -> Any:
    """The TensorInfo of a tensor: its name, dtype and shape.

    Raises:
      RuntimeError: executing eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(
            "build_tensor_info is not supported in Eager mode. It can be used only "
            "within a graph."
        )
    info = protos.message("meta_graph.TensorInfo")(
        dtype=dtypes.as_dtype(tensor.dtype).as_datatype_enum,
        tensor_shape=tensor.get_shape().as_proto(),
    )
    if is_sparse(tensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name  # pyright: ignore[reportAttributeAccessIssue]
    return info


def get_tensor_from_tensor_info(
    tensor_info: Message, graph: Graph | None = None, import_scope: str | None = None
) -> Any:
    """The tensor that a TensorInfo describes.

    Args:
      tensor_info: the message.
      graph: where it is looked for; by default the default graph.
      import_scope: what its name begins with there.

    Raises:
      KeyError: there is none of that name.
    """
    graph = graph or context.get_default_graph()
    info: Any = tensor_info

    def found(name: str) -> Any:
        whole = f"{import_scope}/{name}" if import_scope else name
        return graph.get_tensor_by_name(whole)

    if info.WhichOneof("encoding") == "coo_sparse":
        parts = info.coo_sparse
        return SparseTensor(
            found(parts.indices_tensor_name),
            found(parts.values_tensor_name),
            found(parts.dense_shape_tensor_name),
        )
    return found(info.name)


def build_signature_def(
    inputs: Mapping[str, Message] | None = None,
    outputs: Mapping[str, Message] | None = None,
    method_name: str | None = None,
) -> Any:
    """A SignatureDef of TensorInfos by what they are called.

    Args:
      inputs, outputs: the TensorInfos.
      method_name: what a server does with it.
    """
    signature = protos.message("meta_graph.SignatureDef")()
    for name, info in (inputs or {}).items():
        signature.inputs[name].CopyFrom(info)
    for name, info in (outputs or {}).items():
        signature.outputs[name].CopyFrom(info)
    if method_name is not None:
        signature.method_name = method_name
    return signature


def predict_signature_def(
    inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> Any:
    """The signature of a model that gives any outputs for any inputs.

    Raises:
      ValueError: no inputs or no outputs.
    """
    if not inputs:
        raise ValueError("Prediction inputs cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction outputs cannot be None or empty.")
    return build_signature_def(
        {name: build_tensor_info(x) for name, x in inputs.items()},
        {name: build_tensor_info(x) for name, x in outputs.items()},
        PREDICT_METHOD_NAME,
    )


def regression_signature_def(examples: Tensor, predictions: Tensor) -> Any:
    """The signature of a model that gives a float for each serialized Example.

    Raises:
      ValueError: one is missing, or of another dtype.
    """
    if examples is None:
        raise ValueError("Regression examples cannot be None.")
    if predictions is None:
        raise ValueError("Regression predictions cannot be None.")
    _check_dtype(examples, "Regression input tensors", dtypes.string)
    _check_dtype(predictions, "Regression output tensors", dtypes.float32)
    return build_signature_def(
        {REGRESS_INPUTS: build_tensor_info(examples)},
        {REGRESS_OUTPUTS: build_tensor_info(predictions)},
        REGRESS_METHOD_NAME,
    )


def classification_signature_def(
    examples: Tensor, classes: Tensor | None, scores: Tensor | None
) -> Any:
    """The signature of a model that gives classes for serialized Examples.

    Raises:
      ValueError: one is missing, or of another dtype.
    """
    if examples is None:
        raise ValueError("Classification examples cannot be None.")
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    _check_dtype(examples, "Classification input tensors", dtypes.string)
    outputs = {}
    if classes is not None:
        _check_dtype(classes, "Classification classes", dtypes.string)
        outputs[CLASSIFY_OUTPUT_CLASSES] = build_tensor_info(classes)
    if scores is not None:
        _check_dtype(scores, "Classification scores", dtypes.float32)
        outputs[CLASSIFY_OUTPUT_SCORES] = build_tensor_info(scores)
    return build_signature_def(
        {CLASSIFY_INPUTS: build_tensor_info(examples)}, outputs, CLASSIFY_METHOD_NAME
    )


def op_signature_def(op: Operation, key: str) -> Any:
    """A signature whose one output, by the name `key`, is an operation."""
    info = protos.message("meta_graph.TensorInfo")(name=op.name)
    info.tensor_shape.unknown_rank = True
    return build_signature_def(outputs={key: info})


def load_op_from_signature_def(
    signature_def: Message, key: str, import_scope: str | None = None
) -> Any:
    """The operation of such a signature, in the default graph.

    Raises:
      NotFoundError: it is not there, or the signature has no such output.
    """
    signature: Any = signature_def
    try:
        name = signature.outputs[key].name
        if import_scope:
            name = prepend_name_scope(name, import_scope)
        return context.get_default_graph().get_operation_by_name(name)
    except KeyError as error:
        raise errors.NotFoundError(
            None,
            None,
            f'The key "{key}" could not be found in the graph. Please make sure the '
            "SavedModel was created by the internal _SavedModelBuilder. If you are "
            "using the public API, please make sure the SignatureDef in the SavedModel "
            f'does not contain the key "{key}".',
        ) from error


def _check_dtype(tensor: Tensor, called: str, wanted: dtypes.DType) -> None:
    if tensor.dtype.base_dtype != wanted:
        raise ValueError(f"{called} must be of type {wanted.name}.")


def is_valid_signature(signature_def: Message | None) -> bool:
    """Whether a server can use a signature."""
    signature: Any = signature_def
    if signature is None:
        return False
    inputs, outputs = signature.inputs, signature.outputs
    if not inputs or not outputs:
        return False
    if signature.method_name == PREDICT_METHOD_NAME:
        return True
    if signature.method_name == REGRESS_METHOD_NAME:
        return _is(inputs, REGRESS_INPUTS, dtypes.string) and _is(
            outputs, REGRESS_OUTPUTS, dtypes.float32
        )
    if signature.method_name != CLASSIFY_METHOD_NAME:
        return False
    known = {
        CLASSIFY_OUTPUT_CLASSES: dtypes.string,
        CLASSIFY_OUTPUT_SCORES: dtypes.float32,
    }
    return _is(inputs, CLASSIFY_INPUTS, dtypes.string) and all(
        name in known and _is(outputs, name, known[name]) for name in outputs
    )


def _is(infos: Any, name: str, dtype: dtypes.DType) -> bool:
    return name in infos and infos[name].dtype == dtype.as_datatype_enum
