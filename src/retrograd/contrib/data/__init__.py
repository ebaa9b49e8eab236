"""`tf.contrib.data`: what is nowhere else; the rest has moved to `tf.data`."""
