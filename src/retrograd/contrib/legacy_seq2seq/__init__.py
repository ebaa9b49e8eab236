"""Sequence-to-sequence models over lists of steps: `tf.contrib.legacy_seq2seq`."""
