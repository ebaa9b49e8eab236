"""Differentiation: the reverse sweep over a graph or a tape."""
