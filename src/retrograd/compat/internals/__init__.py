"""TensorFlow's inside, by the names through which programs reach into it."""
