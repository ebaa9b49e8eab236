"""`tf.contrib.losses`."""
