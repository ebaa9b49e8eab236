"""Keras: models, and what trains them."""
