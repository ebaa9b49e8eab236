"""Graphs of operations and tensors: what a program builds before anything runs."""
