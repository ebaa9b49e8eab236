"""`tf.data`: datasets and the iterators over them.

`elements` knows what an element consists of, `dataset` makes datasets, `iterator` goes
through them. The ops are in `ops.datasets` and `ops.iterators`.
"""
