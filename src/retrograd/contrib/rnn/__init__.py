"""`tf.contrib.rnn`: what is not in `tf.nn`."""
