"""`tf.contrib.opt`."""
