"""The array namespaces that kernels receive: NumPy and XLA, under the same names."""

from retrograd.platform.imports import import_apart

import_apart()
