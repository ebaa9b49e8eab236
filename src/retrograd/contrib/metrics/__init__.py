"""`tf.contrib.metrics`."""
