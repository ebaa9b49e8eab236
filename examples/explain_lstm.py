"""How the gradient of an LSTM comes back through two steps, by the state and by the gates."""

import tensorflow as tf

import retrograd

UNITS = 1
kernel = tf.Variable([[.5, 1., 0., .5], [.5, 1., .5, -.5]], name="kernel")
bias = tf.Variable([0., 0., 1., 0.], name="bias")


def cell(x, h, c):
    """One step; the columns of the kernel are the input gate, the proposal, the forget
    gate and the output gate, as in BasicLSTMCell."""
    gates = tf.matmul(tf.concat([x, h], 1), kernel) + bias
    i, g, f, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


zeros = tf.zeros([1, UNITS])
with tf.name_scope("step_1"):
    h1, c1 = cell(tf.constant([[1.]]), zeros, zeros)
with tf.name_scope("step_2"):
    h2, c2 = cell(tf.constant([[2.]]), h1, c1)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    weights = retrograd.explain(h2, [kernel, bias], names=globals())
    state = retrograd.explain(h2, c1, names=globals())
print(weights.sections["forward"])
print(weights.sections["backward"])
print(weights.sections["sums"])
print("\nFrom h2 back to c1, the state after the first step:")
for path in state.derive("c1", [0, 0]).paths():
    print(" ", path)
