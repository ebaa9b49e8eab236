"""`tf.layers`: the layers of Keras in variable scopes, as classes and as functions.

Each is read off the class it stands for; what it adds is the order of its arguments and
the defaults that are different.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from retrograd.layers import conv, core, normalization, pooling, scoped
from retrograd.layers.naming import to_snake_case
from retrograd.layers.signatures import KEYWORDS, bound
from retrograd.variables.initializers import ones_initializer, zeros_initializer

if TYPE_CHECKING:
    from retrograd.typing import Training

_REST = "activity_regularizer kernel_constraint bias_constraint trainable name"
_WEIGHTS = (
    "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
    f"{_REST}"
)
_SEPARABLE = (
    "use_bias depthwise_initializer pointwise_initializer bias_initializer "
    "depthwise_regularizer pointwise_regularizer bias_regularizer activity_regularizer "
    "depthwise_constraint pointwise_constraint bias_constraint trainable name"
)
_WINDOW = "filters kernel_size strides padding data_format dilation_rate"
_NORMALIZATION = (
    "axis momentum epsilon center scale beta_initializer gamma_initializer "
    "moving_mean_initializer moving_variance_initializer beta_regularizer "
    "gamma_regularizer beta_constraint gamma_constraint"
)
_RENORM = "renorm renorm_clipping renorm_momentum fused"
#: what is None here, and looked for in the variable scope
_FROM_SCOPE = dict.fromkeys(
    ("kernel_initializer", "depthwise_initializer", "pointwise_initializer")
)
_DEFAULTS: dict[str, Any] = {
    **_FROM_SCOPE,
    "trainable": True,
    "name": None,
    "data_format": "channels_last",
    "reuse": None,
    "training": False,
}
#: initializers by their names in Keras; a new one for each layer
_OBJECTS = {"zeros": zeros_initializer, "ones": ones_initializer}


def _default(name: str, known: Signature, own: dict[str, Any]) -> Any:
    if name in own:
        return own[name]
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    value = known.parameters[name].default
    made = _OBJECTS.get(value) if isinstance(value, str) else None
    return value if made is None else made()


def _signature(names: str, kind: type, own: dict[str, Any]) -> list[Parameter]:
    known = _arguments(kind)
    return [
        Parameter(
            name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=_default(name, known, own),
        )
        for name in names.split()
    ]


def _arguments(kind: type) -> Signature:
    """The arguments of a layer's constructor, with those that its bases take."""
    found: dict[str, Parameter] = {}
    for base in kind.__mro__:
        if "__init__" in base.__dict__ and base is not object:
            for name, parameter in inspect.signature(base.__init__).parameters.items():
                if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
                    found.setdefault(name, parameter)
    return Signature(list(found.values()), __validate_parameters__=False)


def _class(kind: type, names: str, **own: Any) -> type[scoped.Layer]:
    """A layer of `tf.layers`.

    Args:
      kind: the layer of Keras.
      names: the arguments, in their order.
      **own: the defaults that are different.
    """
    parameters = _signature(names, kind, own)
    signature = Signature([*parameters, KEYWORDS])

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = bound(signature, args, kwargs)
        if "strides" in given and given["strides"] is None:
            raise ValueError("Argument `strides` must not be None.")
        super(made, self).__init__(**given)

    def call(self: Any, inputs: Any, training: Training = False) -> Any:
        """The outputs for inputs; `training` says whether the layer is trained."""
        return super(made, self).call(inputs, training=training)

    space: dict[str, Any] = {
        "__init__": __init__,
        "__doc__": f"{kind.__doc__}\n\n    Its variables are in a variable scope.",
        "__module__": __name__,
    }
    if "training" in inspect.signature(kind.call).parameters:
        space["call"] = call
    made: Any = type(kind.__name__, (kind, scoped.Layer), space)
    space["__init__"].__signature__ = Signature(
        [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD), *parameters, KEYWORDS]
    )
    return made


def _function(
    kind: type[scoped.Layer], names: str, of_call: str = "", **own: Any
) -> Callable[..., Any]:
    """A function that makes a layer and calls it.

    Args:
      kind: the layer.
      names: the arguments, in their order, after `inputs`.
      of_call: those among them that are for the call.
      **own: the defaults that are different.
    """
    inputs = Parameter("inputs", Parameter.POSITIONAL_OR_KEYWORD)
    signature = Signature([inputs, *_signature(names, kind, own)])
    for_call = of_call.split()

    def function(*args: Any, **kwargs: Any) -> Any:
        given = bound(signature, args, kwargs)
        inputs = given.pop("inputs")
        call = {name: given.pop(name) for name in for_call}
        if "reuse" in given:
            given["_reuse"] = given.pop("reuse")
            given["_scope"] = given["name"]
        return kind(**given).apply(inputs, **call)

    function.__name__ = function.__qualname__ = to_snake_case(kind.__name__)
    function.__doc__ = f"{kind.__doc__}\n\n    `name` and `reuse` are of the scope."
    function.__signature__ = signature
    return function


_DENSE = f"units activation {_WEIGHTS}"
Dense = _class(core.Dense, _DENSE)
dense = _function(Dense, f"{_DENSE} reuse")

Dropout = _class(core.Dropout, "rate noise_shape seed name", rate=0.5)
dropout = _function(
    Dropout, "rate noise_shape seed training name", "training", rate=0.5
)

Flatten = _class(core.Flatten, "data_format", data_format=None)
flatten = _function(Flatten, "name data_format")

_CONV = f"{_WINDOW} activation {_WEIGHTS}"
Conv1D = _class(conv.Conv1D, _CONV)
conv1d = _function(Conv1D, f"{_CONV} reuse")
Conv2D = _class(conv.Conv2D, _CONV, strides=(1, 1), dilation_rate=(1, 1))
conv2d = _function(Conv2D, f"{_CONV} reuse", strides=(1, 1), dilation_rate=(1, 1))
Conv3D = _class(conv.Conv3D, _CONV, strides=(1, 1, 1), dilation_rate=(1, 1, 1))
conv3d = _function(Conv3D, f"{_CONV} reuse", strides=(1, 1, 1), dilation_rate=(1, 1, 1))

_TRANSPOSE = f"filters kernel_size strides padding data_format activation {_WEIGHTS}"
Conv2DTranspose = _class(conv.Conv2DTranspose, _TRANSPOSE, strides=(1, 1))
conv2d_transpose = _function(Conv2DTranspose, f"{_TRANSPOSE} reuse", strides=(1, 1))
Conv3DTranspose = _class(conv.Conv3DTranspose, _TRANSPOSE, strides=(1, 1, 1))
conv3d_transpose = _function(Conv3DTranspose, f"{_TRANSPOSE} reuse", strides=(1, 1, 1))

_SEPARABLE_CONV = f"{_WINDOW} depth_multiplier activation {_SEPARABLE}"
SeparableConv1D = _class(conv.SeparableConv1D, _SEPARABLE_CONV)
separable_conv1d = _function(SeparableConv1D, f"{_SEPARABLE_CONV} reuse")
SeparableConv2D = _class(
    conv.SeparableConv2D, _SEPARABLE_CONV, strides=(1, 1), dilation_rate=(1, 1)
)
separable_conv2d = _function(
    SeparableConv2D, f"{_SEPARABLE_CONV} reuse", strides=(1, 1), dilation_rate=(1, 1)
)

_POOL = "pool_size strides padding data_format name"
_ASKED: dict[str, Any] = {"pool_size": Parameter.empty, "strides": Parameter.empty}
MaxPooling1D = _class(pooling.MaxPooling1D, _POOL, **_ASKED)
max_pooling1d = _function(MaxPooling1D, _POOL, **_ASKED)
MaxPooling2D = _class(pooling.MaxPooling2D, _POOL, **_ASKED)
max_pooling2d = _function(MaxPooling2D, _POOL, **_ASKED)
MaxPooling3D = _class(pooling.MaxPooling3D, _POOL, **_ASKED)
max_pooling3d = _function(MaxPooling3D, _POOL, **_ASKED)
AveragePooling1D = _class(pooling.AveragePooling1D, _POOL, **_ASKED)
average_pooling1d = _function(AveragePooling1D, _POOL, **_ASKED)
AveragePooling2D = _class(pooling.AveragePooling2D, _POOL, **_ASKED)
average_pooling2d = _function(AveragePooling2D, _POOL, **_ASKED)
AveragePooling3D = _class(pooling.AveragePooling3D, _POOL, **_ASKED)
average_pooling3d = _function(AveragePooling3D, _POOL, **_ASKED)

BatchNormalization = _class(
    normalization.BatchNormalization,
    f"{_NORMALIZATION} {_RENORM} trainable virtual_batch_size adjustment name",
)
batch_normalization = _function(
    BatchNormalization,
    f"{_NORMALIZATION} training trainable name reuse {_RENORM} virtual_batch_size "
    "adjustment",
    "training",
)
