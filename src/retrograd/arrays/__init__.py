"""The array namespaces that kernels receive: NumPy and XLA, under the same names."""
