import tensorflow as tf

X = tf.constant([-1, -2], dtype=tf.float32)
w = tf.Variable([2., 3.])
truth = [3., 3.]
Y = w * X
length = tf.sqrt(tf.reduce_sum(tf.square(Y))) * tf.sqrt(tf.reduce_sum(tf.square(truth)))
cost = -tf.reduce_sum(Y * truth) / length
optimizer = tf.train.GradientDescentOptimizer(1).minimize(cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(sess.run(cost))
    for _ in range(100):
        sess.run(optimizer)
    print(sess.run(cost)); print(sess.run(w))
