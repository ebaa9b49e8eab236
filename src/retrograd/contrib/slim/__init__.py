"""`tf.contrib.slim`."""
