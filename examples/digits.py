"""Train a classifier on scikit-learn's handwritten digits, as one did in TensorFlow 1."""

import sys
import time

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS, BATCH = 40, 64


def network(images, training):
    """Two hidden layers with dropout; images [n, 64] to logits [n, 10]."""
    weights = tf.glorot_uniform_initializer(seed=1)
    hidden = images
    for i, units in enumerate([128, 64]):
        with tf.variable_scope("hidden_%d" % i):
            w = tf.get_variable("w", [hidden.shape[1], units], initializer=weights)
            b = tf.get_variable("b", [units], initializer=tf.zeros_initializer())
            hidden = tf.nn.relu(tf.matmul(hidden, w) + b)
            hidden = tf.cond(training, lambda h=hidden: tf.nn.dropout(h, 0.8),
                             lambda h=hidden: h)
    with tf.variable_scope("logits"):
        w = tf.get_variable("w", [64, 10], initializer=weights)
        b = tf.get_variable("b", [10], initializer=tf.zeros_initializer())
        return tf.matmul(hidden, w) + b


def batches(images, labels, random):
    order = random.permutation(len(images))
    for start in range(0, len(images), BATCH):
        chosen = order[start:start + BATCH]
        yield images[chosen], labels[chosen]


def progress():
    """A bar on a terminal, a line now and then in a pipe."""
    if not sys.stdout.isatty():
        return lambda epoch, text: epoch % 10 or print("epoch %2d  %s" % (epoch, text))

    def bar(epoch, text):
        done = 30 * epoch // EPOCHS
        end = "\n" if epoch == EPOCHS else ""
        print("\r[%-30s] %d/%d  %s" % ("#" * done, epoch, EPOCHS, text), end=end)
        sys.stdout.flush()
    return bar


def main():
    digits = load_digits()
    images = digits.data.astype(np.float32) / 16
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target)

    tf.set_random_seed(0)
    x = tf.placeholder(tf.float32, [None, 64], name="images")
    y = tf.placeholder(tf.int64, [None], name="labels")
    training = tf.placeholder_with_default(False, [], name="training")
    logits = network(x, training)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    train = tf.train.AdamOptimizer(0.002).minimize(loss)

    show, random, started = progress(), np.random.RandomState(0), time.time()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(1, EPOCHS + 1):
            for images, labels in batches(x_train, y_train, random):
                _, last = sess.run([train, loss], {x: images, y: labels, training: True})
            show(epoch, "loss %.4f" % last)
        test = sess.run(accuracy, {x: x_test, y: y_test})
    print("test accuracy %.1f %% on %d digits never seen, %.1f s of training"
          % (100 * test, len(x_test), time.time() - started))


if __name__ == "__main__":
    main()
