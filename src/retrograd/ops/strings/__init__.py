"""Texts: numbers in them, their parts and patterns, what is made of them."""
