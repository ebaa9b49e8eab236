"""Which pixels, taps and outputs meet in one element of a convolution's gradients."""

import numpy as np
import tensorflow as tf

import retrograd

image = np.array([[0, 1, 2, 0], [1, 3, 1, 0], [0, 2, 1, 1], [0, 0, 1, 2]])
x = tf.placeholder(tf.float32, [1, 4, 4, 1], name="image")
edge = tf.get_variable("edge", initializer=tf.reshape([1., -1., 1., -1.], [2, 2, 1, 1]))
with tf.name_scope("features"):
    y = tf.nn.conv2d(x, edge, strides=[1, 1, 1, 1], padding="VALID")
    y = tf.nn.relu(y)
    y = tf.nn.max_pool(y, ksize=[1, 3, 3, 1], strides=[1, 3, 3, 1], padding="VALID")
cost = tf.square(tf.squeeze(y) - 1, name="cost")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    explained = retrograd.explain(cost, [edge, x], {x: image.reshape(1, 4, 4, 1)})
print(explained)
print("\nThe pixel in row 1, column 2:")
print(explained.derive("image", [0, 1, 2, 0]))
