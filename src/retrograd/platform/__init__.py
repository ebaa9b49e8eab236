"""What TensorFlow 1 programs take from `tf` that is not about tensors.

Files, logging, command-line flags, data files beside a script. Layer 0: nothing here
knows the engine.
"""
