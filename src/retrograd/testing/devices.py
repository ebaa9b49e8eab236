"""What devices a test may use: the CPU, and names of others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import retrograd as tf


def gpu_device_name() -> str:
    """The name of a GPU that operations can be placed on by name: none, so ''."""
    return ""


def is_gpu_available(
    cuda_only: bool = False, min_cuda_compute_capability: tuple[int, int] | None = None
) -> bool:
    """Whether operations can be placed on a GPU by name: no.

    Where XLA finds an accelerator, whole compiled steps run there; there are no
    per-operation GPU kernels for a program to choose.
    """
    return False


def is_built_with_cuda() -> bool:
    """Whether the engine has CUDA kernels of its own: no."""
    return False


def is_built_with_rocm() -> bool:
    """Whether the engine has ROCm kernels of its own: no."""
    return False


def is_built_with_gpu_support() -> bool:
    """Whether the engine has GPU kernels of its own: no."""
    return is_built_with_cuda() or is_built_with_rocm()


def IsMklEnabled() -> bool:
    """Whether operations are replaced by MKL's: no."""
    return False


def GpuSupportsHalfMatMulAndConv() -> bool:
    """Whether a GPU computes in float16: there is none to ask."""
    return False


def is_xla_enabled() -> bool:
    """Whether tests are run with TensorFlow's own XLA switches: they are not.

    Tier 1 is XLA, but it gives what tier 0 gives; tests need not know.
    """
    return False


@contextlib.contextmanager
def device(use_gpu: bool) -> Iterator[None]:
    """Place operations on the GPU if asked for and there is one, else on the CPU."""
    name = "/device:GPU:0" if use_gpu and is_gpu_available() else "/device:CPU:0"
    with tf.device(name):
        yield


@contextlib.contextmanager
def use_gpu() -> Iterator[None]:
    """Place operations on the GPU if there is one, else on the CPU."""
    with device(use_gpu=True):
        yield


@contextlib.contextmanager
def force_gpu() -> Iterator[None]:
    """Place operations on the GPU, whether there is one or not."""
    with tf.device("/device:GPU:0"):
        yield


@contextlib.contextmanager
def force_cpu() -> Iterator[None]:
    """Place operations on the CPU."""
    with tf.device("/device:CPU:0"):
        yield
