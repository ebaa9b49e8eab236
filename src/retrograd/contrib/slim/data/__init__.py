"""Reading of examples for `tf.contrib.slim`."""
