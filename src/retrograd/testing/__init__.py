"""`tf.test`: test cases, gradient checks and what else a test of a program needs."""

from unittest import mock

from retrograd.grad.check import compute_gradient, compute_gradient_error
from retrograd.testing.benchmark import Benchmark, benchmark_config
from retrograd.testing.case import TestCase
from retrograd.testing.cluster import create_local_cluster
from retrograd.testing.devices import (
    gpu_device_name,
    is_built_with_cuda,
    is_built_with_gpu_support,
    is_built_with_rocm,
    is_gpu_available,
)
from retrograd.testing.graphs import assert_equal_graph_def
from retrograd.testing.runner import get_temp_dir, main, test_src_dir_path
from retrograd.testing.stubs import StubOutForTesting

__all__ = [
    "Benchmark",
    "StubOutForTesting",
    "TestCase",
    "assert_equal_graph_def",
    "benchmark_config",
    "compute_gradient",
    "compute_gradient_error",
    "create_local_cluster",
    "get_temp_dir",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_gpu_available",
    "main",
    "mock",
    "test_src_dir_path",
]
