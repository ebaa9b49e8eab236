"""Helpers of TensorFlow 1's `tensorflow.python.util` that programs import.

Decorators that can be looked through, inspection that looks through them, collections
by identity. Layer 0: nothing here knows the engine.
"""
