import tensorflow as tf

X = tf.constant([-1, -2], dtype=tf.float32)
w = tf.Variable([2., 3.])
truth = [3., 3.]
Y = w * X
cost = Y[1] * Y
optimizer = tf.train.GradientDescentOptimizer(1).minimize(cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(sess.run(Y)); print(sess.run(w)); print(sess.run(cost)); print(sess.run(Y))
    sess.run(optimizer)
    print(sess.run(w))
