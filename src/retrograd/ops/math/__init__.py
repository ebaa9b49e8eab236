"""Arithmetic element by element, comparison, reductions, special functions."""
