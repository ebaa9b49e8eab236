"""`tf.data.experimental`: functions for datasets, and more datasets."""
