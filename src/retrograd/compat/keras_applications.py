"""`tf.keras.applications`: the models of the package keras-applications.

They are built of the modules that they are given: ours, as programs see them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from retrograd.compat.namespace import namespace


def _given(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the package, given the modules of Keras."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("layers", namespace("keras.layers"))
        for name in ("backend", "models", "utils"):
            kwargs[name] = namespace(f"keras.{name}")
        return function(*args, **kwargs)

    wrapper.__doc__ = function.__doc__
    return wrapper


def _family(name: str, *models: str) -> SimpleNamespace:
    """The functions of a module of the package.

    Raises:
      ImportError: the package is not installed.
    """
    try:
        import keras_applications
    except ImportError:
        raise ImportError(
            "tf.keras.applications needs the package keras-applications: "
            "pip install retrograd[keras]"
        ) from None
    module = importlib.import_module(f"{keras_applications.__name__}.{name}")
    names = (*models, "preprocess_input", "decode_predictions")
    return SimpleNamespace(**{key: _given(getattr(module, key)) for key in names})


densenet = _family("densenet", "DenseNet121", "DenseNet169", "DenseNet201")
imagenet_utils = _family("imagenet_utils")
inception_resnet_v2 = _family("inception_resnet_v2", "InceptionResNetV2")
inception_v3 = _family("inception_v3", "InceptionV3")
mobilenet = _family("mobilenet", "MobileNet")
mobilenet_v2 = _family("mobilenet_v2", "MobileNetV2")
nasnet = _family("nasnet", "NASNetLarge", "NASNetMobile")
resnet = _family("resnet", "ResNet50", "ResNet101", "ResNet152")
resnet_v2 = _family("resnet_v2", "ResNet50V2", "ResNet101V2", "ResNet152V2")
vgg16 = _family("vgg16", "VGG16")
vgg19 = _family("vgg19", "VGG19")
xception = _family("xception", "Xception")
