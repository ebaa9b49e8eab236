"""TensorFlow 1's names: where each is found, under which module, by which import.

`tf.compat` of TensorFlow 1.15 is this package too: its names come from the tables in
`names/`, like those of every other namespace.
"""
