"""What `tf.contrib` and TensorFlow's tutorials gave to programs, on top of the rest."""
