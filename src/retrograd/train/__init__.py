"""Training: optimizers, learning rates, moving averages and the global step."""
