"""`tf.distribute`: one program on several devices, variables kept equal on all.

A strategy says on which devices a function runs, and how what it returns is put
together. `current` holds which strategy a thread works for; `strategy` and `extended`
are the base classes; `default`, `one_device` and `mirrored` the strategies there are;
`values` what has a value of its own on each device, `variables` the variables among
them.
"""
