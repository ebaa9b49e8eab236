"""`tf.contrib.learn`, as far as tutorials read their data through it."""
