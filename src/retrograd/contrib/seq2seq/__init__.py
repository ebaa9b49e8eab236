"""Decoders in loops, and attention: `tf.contrib.seq2seq`."""
