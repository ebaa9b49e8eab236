"""Where the gradient of the cosine cost comes from, and where a step takes the weights."""

import tensorflow as tf

import retrograd

X = tf.constant([-1, -2], dtype=tf.float32)
w = tf.Variable([2., 3.])
truth = tf.constant([3., 3.])
Y = w * X
dot = tf.reduce_sum(Y * truth)
length = tf.sqrt(tf.reduce_sum(tf.square(Y))) * tf.sqrt(tf.reduce_sum(tf.square(truth)))
cost = -dot / length
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    explained = retrograd.explain(cost, w, names=globals(), learning_rate=1)
print(explained)
