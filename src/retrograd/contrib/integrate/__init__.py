"""`tf.contrib.integrate`."""
