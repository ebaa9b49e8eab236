"""Random numbers, number for number as TensorFlow draws them."""
