"""`tf.contrib.eager`."""
