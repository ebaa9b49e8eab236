"""`tf.contrib.nn`."""
