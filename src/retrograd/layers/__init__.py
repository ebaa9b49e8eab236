"""Layers: each is written once; `tf.keras.layers` and `tf.layers` are faces of it."""
