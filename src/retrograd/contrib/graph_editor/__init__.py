"""`tf.contrib.graph_editor`: parts of graphs, rewired and copied."""
