"""The networks of `tf.contrib.slim`, whose checkpoints are still about."""
