"""`tf.keras.preprocessing`: the functions of the package keras-preprocessing."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.keras import enqueuers
from retrograd.layers import backend_config
from retrograd.platform.imports import stand_in

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _packages() -> tuple[Any, Any, Any]:
    """Its three modules, whose iterators are a `Sequence` of ours.

    Raises:
      ImportError: the package is not installed.
    """
    try:
        import keras_preprocessing
    except ImportError:
        raise ImportError(
            "tf.keras.preprocessing needs the package keras-preprocessing: "
            "pip install retrograd[keras]"
        ) from None
    keras_preprocessing.set_keras_submodules(
        backend=backend_config, utils=SimpleNamespace(Sequence=enqueuers.Sequence)
    )
    image, sequence, text = (
        importlib.import_module(f"keras_preprocessing.{name}")
        for name in ("image", "sequence", "text")
    )
    # pad_sequences asks for a name that NumPy does not have any more
    vars(sequence)["np"] = stand_in(np, unicode_=np.str_)
    return image, sequence, text


_image, _sequence, _text = _packages()

apply_affine_transform = _image.apply_affine_transform
apply_brightness_shift = _image.apply_brightness_shift
apply_channel_shift = _image.apply_channel_shift
load_img = _image.load_img
random_brightness = _image.random_brightness
random_channel_shift = _image.random_channel_shift
random_rotation = _image.random_rotation
random_shear = _image.random_shear
random_shift = _image.random_shift
random_zoom = _image.random_zoom

make_sampling_table = _sequence.make_sampling_table
pad_sequences = _sequence.pad_sequences
skipgrams = _sequence.skipgrams

Tokenizer = _text.Tokenizer
hashing_trick = _text.hashing_trick
one_hot = _text.one_hot
text_to_word_sequence = _text.text_to_word_sequence


def _format(data_format: str | None) -> str:
    return data_format or backend_config.image_data_format()


def array_to_img(
    x: ArrayLike,
    data_format: str | None = None,
    scale: bool = True,
    dtype: str | None = None,
) -> Any:
    """An array as an image of Pillow.

    Args:
      x: shape [rows, columns, channels], or channels first.
      data_format: which of these; by default as Keras is set.
      scale: whether its values are brought to 0 to 255.
      dtype: of the values before; by default `floatx`.
    """
    kind = dtype or backend_config.floatx()
    return _image.array_to_img(x, _format(data_format), scale, dtype=kind)


def img_to_array(
    img: Any, data_format: str | None = None, dtype: str | None = None
) -> np.ndarray:
    """An image of Pillow as an array; the arguments as of `array_to_img`."""
    kind = dtype or backend_config.floatx()
    return _image.img_to_array(img, _format(data_format), dtype=kind)


def save_img(
    path: str,
    x: ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image; the arguments as of `array_to_img`.

    Args:
      path: the file.
      x, data_format, scale: see `array_to_img`.
      file_format: the format; by default as the file's name says.
      **kwargs: for Pillow.
    """
    given = file_format, scale
    _image.save_img(path, x, _format(data_format), *given, **kwargs)


class Iterator(_image.Iterator, enqueuers.Sequence):
    """Base of batches of images."""


class DirectoryIterator(_image.DirectoryIterator, Iterator):
    """Batches of the images in the folders of a folder, one for each class.

    Args:
      directory: the folder.
      image_data_generator: what changes images at random.
      target_size: of the images.
      color_mode: `rgb`, `rgba` or `grayscale`.
      classes: the names of the folders; by default all.
      class_mode: `categorical`, `binary`, `sparse`, `input` or None: the labels.
      batch_size: how many images a batch has.
      shuffle: whether their order is random.
      seed: of what is random.
      data_format: by default as Keras is set.
      save_to_dir, save_prefix, save_format: where changed images are written.
      follow_links: whether links to folders are followed.
      subset: `training` or `validation`, where there is a split.
      interpolation: how images get their size.
      dtype: by default `floatx`.
    """

    def __init__(
        self,
        directory: str,
        image_data_generator: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            directory,
            image_data_generator,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=_format(data_format),
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            dtype=dtype or backend_config.floatx(),
        )


class NumpyArrayIterator(_image.NumpyArrayIterator, Iterator):
    """Batches of the images of an array.

    Args:
      x: the images.
      y: the labels.
      image_data_generator: what changes images at random.
      batch_size: how many images a batch has.
      shuffle: whether their order is random.
      sample_weight: a weight for each.
      seed: of what is random.
      data_format: by default as Keras is set.
      save_to_dir, save_prefix, save_format: where changed images are written.
      subset: `training` or `validation`, where there is a split.
      dtype: by default `floatx`.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: ArrayLike | None = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            x,
            y,
            image_data_generator,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=_format(data_format),
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            dtype=dtype or backend_config.floatx(),
        )


class ImageDataGenerator(_image.ImageDataGenerator):
    """Changes images at random: see the package's class, whose arguments these are."""

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            featurewise_center=featurewise_center,
            samplewise_center=samplewise_center,
            featurewise_std_normalization=featurewise_std_normalization,
            samplewise_std_normalization=samplewise_std_normalization,
            zca_whitening=zca_whitening,
            zca_epsilon=zca_epsilon,
            rotation_range=rotation_range,
            width_shift_range=width_shift_range,
            height_shift_range=height_shift_range,
            brightness_range=brightness_range,
            shear_range=shear_range,
            zoom_range=zoom_range,
            channel_shift_range=channel_shift_range,
            fill_mode=fill_mode,
            cval=cval,
            horizontal_flip=horizontal_flip,
            vertical_flip=vertical_flip,
            rescale=rescale,
            preprocessing_function=preprocessing_function,
            data_format=_format(data_format),
            validation_split=validation_split,
            dtype=dtype or backend_config.floatx(),
        )


class TimeseriesGenerator(_sequence.TimeseriesGenerator, enqueuers.Sequence):
    """Batches of parts of a series: see the package's class."""
