"""Tensors of which only some elements are given: what makes, joins and reduces them."""
