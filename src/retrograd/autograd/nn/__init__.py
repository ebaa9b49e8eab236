"""What PyTorch has for neural networks, as functions: `nn.functional`."""

from retrograd.autograd.nn import functional

__all__ = ["functional"]
