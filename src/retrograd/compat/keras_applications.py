"""`tf.keras.applications`: the models of the package keras-applications.

They are built of the modules that they are given: ours, as programs see them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
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


class _Family:
    """The functions of a module of the package, found when they are first used.

    Args:
      module: its name in the package.
      models: the functions that make models.
    """

    def __init__(self, module: str, *models: str) -> None:
        self._module = module
        self._names = (*models, "preprocess_input", "decode_predictions")

    def __dir__(self) -> list[str]:
        return sorted(self._names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(name)
        try:
            import keras_applications
        except ImportError:
            raise ImportError(
                "tf.keras.applications needs the package keras-applications: "
                "pip install retrograd[keras]"
            ) from None
        package = keras_applications.__name__
        module = importlib.import_module(f"{package}.{self._module}")
        found = self.__dict__[name] = _given(getattr(module, name))
        return found


densenet = _Family("densenet", "DenseNet121", "DenseNet169", "DenseNet201")
imagenet_utils = _Family("imagenet_utils")
inception_resnet_v2 = _Family("inception_resnet_v2", "InceptionResNetV2")
inception_v3 = _Family("inception_v3", "InceptionV3")
mobilenet = _Family("mobilenet", "MobileNet")
mobilenet_v2 = _Family("mobilenet_v2", "MobileNetV2")
nasnet = _Family("nasnet", "NASNetLarge", "NASNetMobile")
resnet = _Family("resnet", "ResNet50", "ResNet101", "ResNet152")
resnet_v2 = _Family("resnet_v2", "ResNet50V2", "ResNet101V2", "ResNet152V2")
vgg16 = _Family("vgg16", "VGG16")
vgg19 = _Family("vgg19", "VGG19")
xception = _Family("xception", "Xception")
