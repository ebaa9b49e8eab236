"""`tf.contrib.framework`: argument scopes, and variables made and found by name."""
