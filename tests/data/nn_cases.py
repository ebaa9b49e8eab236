# ruff: noqa: E501
"""Expressions of tf.nn that TensorFlow 1.15 and retrograd must agree on.

As in `math_cases`; `S(*shape)` is a float32 constant of sines.
"""

from math_cases import lines as lines

#: made in an empty graph: names, types and inputs of the operations are compared
GRAPHS = """
tf.nn.softmax(P(2, 3, 4))
tf.nn.softmax(P(2, 3, 4), 1)
tf.nn.softmax(P(None, 3, None), -2, name='x')
tf.nn.softmax(P(2, 3), dim=0)
tf.nn.log_softmax(P(2, 3), axis=0, name='x')
tf.nn.bias_add(P(2, 3), [1., 2., 3.])
tf.nn.bias_add(P(2, 3, 4), P(3), data_format='NCHW', name='x')
tf.nn.xw_plus_b(P(2, 3), P(3, 4), P(4))
tf.nn.relu_layer(P(2, 3), P(3, 4), P(4), name='x')
tf.nn.l2_loss([1., 2.])
tf.nn.l2_normalize(P(2, 3), 0)
tf.nn.l2_normalize(P(2, 3))
tf.nn.dropout(P(2, 3), 0.7)
tf.nn.dropout(P(2, 3), keep_prob=1.0)
tf.nn.dropout(P(2, 3), rate=0.2, noise_shape=[2, None], seed=7)
tf.nn.dropout(P(2, 3), rate=P(), noise_shape=C([1, 3]), name='x')
tf.nn.in_top_k(P(2, 3), [1, 1], 2)
tf.nn.relu6([1., 2.])
tf.nn.leaky_relu([1, -2])
tf.nn.crelu(P(2, 3))
tf.nn.swish(P(2))
tf.nn.softmax_cross_entropy_with_logits(labels=P(2, 3), logits=P(2, 3))
tf.nn.softmax_cross_entropy_with_logits_v2(P(2, 3, 4), P(2, 3, 4), axis=1, name='x')
tf.nn.softmax_cross_entropy_with_logits_v2(P(None, 3), P(None, 3))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=P(2, 3))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[0, 1]], logits=P(1, 2, 3))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[0, 1]], logits=P(1, None, 3))
tf.nn.sigmoid_cross_entropy_with_logits(labels=P(2, 3), logits=P(2, 3))
tf.nn.weighted_cross_entropy_with_logits(P(2, 3), P(2, 3), 2.0)
tf.nn.log_poisson_loss(P(2), P(2), compute_full_loss=True)
tf.nn.moments(P(2, 3), [0])
tf.nn.moments(P(2, 3), [0, 1], keep_dims=True, name='x')
tf.nn.moments(tf.cast(P(2, 3), tf.float16), [0])
tf.nn.weighted_moments(P(2, 3), [0], P(2, 1))
tf.nn.sufficient_statistics(P(2, 3), [0])
tf.nn.sufficient_statistics(P(None, 3), [0], shift=1.0)
tf.nn.normalize_moments(P(), P(3), P(3), None)
tf.nn.normalize_moments(P(), P(3), P(3), P(3))
tf.nn.batch_normalization(P(2, 3), P(3), P(3), P(3), P(3), 1e-3)
tf.nn.batch_normalization(P(2, 3), P(3), P(3), None, None, 1e-3)
tf.nn.fused_batch_norm(P(2, 3, 4, 5), P(5), P(5))
tf.nn.fused_batch_norm(P(2, 3, 4, 5), P(3), P(3), P(3), P(3), 0.1, 'NCHW', False)
tf.nn.lrn(P(2, 3, 4, 5))
tf.nn.conv1d(P(2, 6, 3), P(3, 3, 4), 1, 'SAME')
tf.nn.conv2d(P(2, 5, 6, 3), P(2, 3, 3, 4), [1, 1, 1, 1], 'SAME')
tf.nn.conv2d(P(2, 5, 6, 3), P(2, 3, 3, 4), 2, [[0, 0], [1, 2], [0, 3], [0, 0]])
tf.nn.convolution(P(2, 5, 6, 3), P(2, 3, 3, 4), 'SAME', dilation_rate=[2, 1])
tf.nn.convolution(P(2, None, None, 3), P(2, 3, 3, 4), 'VALID', dilation_rate=[2, 2])
tf.nn.convolution(P(2, 3, 5), P(2, 3, 4), 'SAME', dilation_rate=[2], data_format='NCW')
tf.nn.atrous_conv2d(P(2, 5, 6, 3), P(2, 3, 3, 4), 1, 'VALID')
tf.nn.conv3d(P(1, 4, 5, 3, 2), P(2, 2, 3, 2, 4), [1, 1, 1, 1, 1], 'SAME', name='x')
tf.nn.conv1d_transpose(P(2, 3, 4), P(3, 2, 4), [2, 6, 2], 2)
tf.nn.conv2d_transpose(P(2, 3, 3, 4), P(3, 3, 2, 4), [2, 6, 6, 2], [1, 2, 2, 1])
tf.nn.conv3d_transpose(P(1, 3, 3, 3, 4), P(1, 1, 1, 2, 4), [1, 3, 3, 3, 2], 1)
tf.nn.atrous_conv2d_transpose(P(2, 3, 3, 4), P(3, 3, 2, 4), [2, 3, 3, 2], 2, 'SAME')
tf.nn.conv_transpose(P(2, 3, 3, 4), P(3, 3, 2, 4), [2, 6, 6, 2], 2, name='x')
tf.nn.depthwise_conv2d(P(2, 5, 6, 3), P(2, 3, 3, 2), [1, 1, 1, 1], 'SAME', [2, 2])
tf.nn.separable_conv2d(P(2, 5, 6, 3), P(2, 3, 3, 2), P(1, 1, 6, 4), [1] * 4, 'SAME')
tf.nn.max_pool(P(2, 5, 6, 3), 2, 2, 'SAME')
tf.nn.avg_pool(P(2, 5, 6, 3), [1, 2, 2, 1], [1, 1, 1, 1], 'VALID', name='x')
tf.nn.max_pool_v2(P(2, 5, 3), 2, 2, 'SAME')
tf.nn.avg_pool3d(P(1, 4, 4, 4, 2), 2, 1, 'VALID')
tf.nn.max_pool_with_argmax(P(2, 5, 6, 3), [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')
tf.nn.pool(P(2, 5, 6, 3), [2, 3], 'AVG', 'VALID', dilation_rate=[2, 1])
tf.nn.pool(P(2, 5, 3), [2], 'MAX', 'SAME', name='x')
tf.nn.erosion2d(P(2, 5, 6, 3), P(2, 3, 3), [1, 1, 1, 1], [1, 1, 1, 1], 'SAME')
tf.nn.embedding_lookup(P(4, 3), [[0, 1], [3, 3]])
tf.nn.embedding_lookup([P(4, 3), P(4, 3)], [[0, 1], [7, 3]], name='x')
tf.nn.embedding_lookup([P(4, 3), P(3, 3)], [0, 6], 'div', max_norm=2.0)
tf.nn.nce_loss(P(20, 3), P(20), C([[3], [8]], 'int64'), P(2, 3), 5, 20)
"""

#: computed: every value is compared
VALUES = """
tf.nn.softmax(S(2, 3, 4), 1)
tf.nn.log_softmax(10 * S(2, 3))
tf.nn.softplus(40 * S(8))
tf.nn.elu(S(5))
tf.nn.selu(S(5))
tf.nn.softsign(S(5))
tf.nn.relu6(9 * S(5))
tf.nn.leaky_relu(S(5), 0.3)
tf.nn.swish(S(5))
tf.nn.relu(C([np.nan, -1, 2]))
tf.nn.l2_normalize(S(2, 3), 0)
tf.nn.zero_fraction(C([0., 1., 0., 3.]))
tf.nn.dropout(S(4, 5), 0.7, seed=3)
tf.nn.dropout(S(4, 5), rate=0.3, noise_shape=[4, 1], seed=3)
tf.nn.in_top_k(S(4, 3), [0, 2, 1, 5], 1)
tf.nn.in_top_k(C([[0.1, np.inf], [0.3, 0.2]]), [0, 0], 1)
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2], logits=5 * S(2, 3))
tf.nn.softmax_cross_entropy_with_logits_v2(tf.nn.softmax(S(2, 3)), 5 * S(2, 3))
tf.nn.sigmoid_cross_entropy_with_logits(labels=S(2, 3), logits=50 * S(2, 3))
tf.nn.weighted_cross_entropy_with_logits(S(2, 3), S(2, 3), 2.0)
tf.nn.log_poisson_loss(3 * S(4) ** 2, S(4), compute_full_loss=True)
tf.nn.moments(S(2, 3, 4), [0, 2])[1]
tf.nn.weighted_moments(S(2, 3), [0], C([[1.], [2.]]))[1]
tf.nn.fused_batch_norm(S(2, 3, 2, 3), S(3), S(3))[0]
tf.nn.fused_batch_norm(S(2, 3, 2, 3), S(3), S(3))[2]
tf.nn.fused_batch_norm(S(1, 2, 2, 3), S(3), S(3), S(3), S(3) ** 2, 0.1, 'NHWC', False)[0]
tf.nn.fused_batch_norm(tf.cast(S(1, 2, 2, 3), tf.float16), S(3), S(3))[0]
tf.nn.lrn(S(1, 2, 2, 5), 1, 1., 0.5, 0.75)
tf.nn.conv2d(S(2, 4, 5, 2), S(2, 3, 2, 3), [1, 2, 1, 1], 'SAME')
tf.nn.conv2d(S(1, 4, 5, 2), S(2, 3, 2, 3), 1, 'VALID', dilations=[1, 2, 1, 1])
tf.nn.conv2d(S(1, 3, 4, 2), S(2, 2, 2, 2), 2, [[0, 0], [1, 2], [0, 3], [0, 0]])
tf.nn.convolution(S(1, 5, 5, 1), S(2, 3, 1, 2), 'SAME', dilation_rate=[2, 2])
tf.nn.conv1d(S(2, 6, 3), S(3, 3, 2), 2, 'SAME')
tf.nn.conv3d(S(1, 3, 3, 3, 1), S(2, 2, 2, 1, 2), [1, 1, 2, 1, 1], 'SAME')
tf.nn.conv2d_transpose(S(1, 3, 3, 2), S(3, 3, 1, 2), [1, 6, 5, 1], [1, 2, 2, 1])
tf.nn.atrous_conv2d_transpose(S(1, 3, 3, 2), S(3, 3, 1, 2), [1, 7, 7, 1], 2, 'VALID')
tf.nn.separable_conv2d(S(1, 4, 4, 2), S(2, 2, 2, 2), S(1, 1, 4, 2), [1] * 4, 'VALID')
tf.nn.max_pool(S(1, 5, 5, 2), [1, 3, 2, 1], [1, 2, 2, 1], 'SAME')
tf.nn.max_pool(S(1, 2, 2, 6), [1, 1, 1, 3], [1, 1, 1, 3], 'VALID')
tf.nn.avg_pool(S(1, 5, 5, 2), [1, 3, 2, 1], [1, 2, 2, 1], 'SAME')
tf.nn.max_pool_with_argmax(S(2, 4, 4, 1), [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')[1]
tf.nn.max_pool3d(S(1, 3, 3, 3, 1), 2, 1, 'SAME')
tf.nn.avg_pool3d(S(1, 3, 3, 3, 1), 2, 2, 'SAME')
tf.nn.pool(S(1, 5, 6, 1), [2, 3], 'AVG', 'VALID', dilation_rate=[2, 1])
tf.nn.dilation2d(S(1, 4, 5, 2), S(2, 2, 2), [1, 1, 2, 1], [1, 2, 1, 1], 'SAME')
tf.nn.erosion2d(S(1, 4, 5, 2), S(2, 2, 2), [1, 1, 1, 1], [1, 1, 1, 1], 'VALID')
tf.nn.fractional_max_pool(S(1, 9, 7, 1), [1., 1.4, 1.7, 1.], False, True, True, 3, 5)[0]
tf.nn.fractional_avg_pool(S(1, 9, 7, 1), [1., 1.4, 1.7, 1.], True, False, True, 3, 5)[0]
tf.nn.embedding_lookup([S(4, 3), -S(3, 3)], [[0, 6], [5, 3]], 'div', max_norm=0.5)
tf.nn.uniform_candidate_sampler(C([[1]], 'int64'), 1, 8, True, 13, seed=5)[0]
tf.nn.uniform_candidate_sampler(C([[1]], 'int64'), 1, 8, False, 13, seed=5)[0]
tf.nn.log_uniform_candidate_sampler(C([[1]], 'int64'), 1, 8, True, 99, seed=5)[0]
tf.nn.log_uniform_candidate_sampler(C([[1, 7]], 'int64'), 2, 8, True, 99, seed=5)[1]
tf.nn.learned_unigram_candidate_sampler(C([[1]], 'int64'), 1, 8, True, 13, seed=5)[0]
tf.nn.fixed_unigram_candidate_sampler(C([[1]], 'int64'), 1, 9, False, 4, '', .75, 1, 1, 0, [1., 2., 3.], 5)[0]
tf.nn.compute_accidental_hits(C([[1, 5], [0, 2]], 'int64'), C([5, 2, 9], 'int64'), 2)[1]
tf.nn.sampled_softmax_loss(S(20, 3), S(20), C([[3], [8]], 'int64'), S(2, 3), 5, 20, remove_accidental_hits=False, seed=3)
tf.raw_ops.DataFormatDimMap(x=[-4, 0, 3])
"""

#: `x ; f(x)`: the gradient of the second by the first is compared
GRADIENTS = """
S(5) ; tf.nn.swish(x)
S(2, 3) ; tf.nn.softmax_cross_entropy_with_logits_v2(x, 3 * S(2, 3))
S(2, 3) ; tf.nn.softmax_cross_entropy_with_logits_v2(tf.nn.softmax(S(2, 3)), x)
S(2, 3) ; tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(x), logits=x)
S(2, 3) ; tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2], logits=x)
S(2, 3, 2, 3) ; tf.nn.fused_batch_norm(x, S(3), S(3))[0] ** 2
S(3) ; tf.nn.fused_batch_norm(S(2, 3, 2, 3), x, S(3))[0] ** 2
S(2, 3, 2, 3) ; tf.nn.fused_batch_norm(x, S(3), S(3), S(3), S(3) ** 2, 0.1, 'NHWC', False)[0] ** 2
S(2, 2, 2, 3) ; tf.gradients(tf.nn.fused_batch_norm(x, S(3), S(3))[0] ** 2, x)[0] ** 2
S(2, 2, 2, 3) ; tf.gradients(tf.nn.fused_batch_norm(x, S(3), S(3), S(3), S(3) ** 2, 0.1, 'NHWC', False)[0] ** 3, x)[0] ** 2
S(3) ; tf.gradients(tf.nn.fused_batch_norm(S(2, 2, 2, 3), x, S(3))[0] ** 2, x)[0] ** 2
S(1, 2, 2, 5) ; tf.nn.lrn(x, 1, 1., 0.5, 0.75) ** 2
C(np.tile([1., 2.], 8).reshape(1, 4, 4, 1)) ; tf.nn.max_pool(x, 2, 1, 'SAME')
C(np.tile([1., 2.], 4).reshape(1, 2, 2, 2, 1), 'float32') ; tf.nn.max_pool3d(x, 2, 1, 'SAME')
S(1, 4, 4, 1) ; tf.gradients(tf.nn.max_pool(x, 2, 1, 'SAME') ** 3, x)[0] ** 2
S(1, 4, 5, 2) ; tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 1, 1, 1], 'SAME')[0]
S(1, 4, 5, 2) ; tf.nn.avg_pool(x, 3, 2, 'SAME') ** 2
S(1, 4, 5, 2) ; tf.nn.conv2d(x, S(2, 3, 2, 3), [1, 2, 1, 1], 'SAME') ** 2
S(2, 3, 2, 2) ; tf.nn.conv2d(S(1, 4, 5, 2), x, 1, [[0, 0], [1, 2], [0, 3], [0, 0]]) ** 2
S(2, 2, 2, 2) ; tf.nn.depthwise_conv2d(S(1, 4, 5, 2), x, [1, 2, 2, 1], 'SAME') ** 2
S(2, 2, 2, 1, 2) ; tf.nn.conv3d(S(1, 3, 3, 3, 1), x, [1, 2, 1, 1, 1], 'SAME') ** 2
S(1, 4, 5, 2) ; tf.nn.dilation2d(x, S(2, 2, 2), [1, 1, 2, 1], [1, 2, 1, 1], 'SAME') ** 2
S(2, 2, 2) ; tf.nn.dilation2d(S(1, 4, 5, 2), x, [1, 1, 2, 1], [1, 2, 1, 1], 'SAME') ** 2
S(1, 9, 7, 1) ; tf.nn.fractional_max_pool(x, [1., 1.4, 1.7, 1.], False, True, True, 3, 5)[0] ** 2
S(1, 9, 7, 1) ; tf.nn.fractional_avg_pool(x, [1., 1.4, 1.7, 1.], True, True, True, 3, 5)[0] ** 2
S(4, 3) ; tf.nn.embedding_lookup([x, 2 * x], [[0, 6], [5, 3]])
S(2, 3) ; tf.nn.nce_loss(S(9, 3), S(9), C([[3], [8]], 'int64'), x, 9, 9, sampled_values=tf.nn.all_candidate_sampler(C([[3], [8]], 'int64'), 1, 9, True))
"""

#: refused when made: class and first line of the error are compared
REFUSED = """
tf.nn.conv2d(P(1, 3, 3, 1), P(5, 5, 1, 2), [1, 1, 1, 1], 'VALID')
tf.nn.conv2d(P(1, 3, 3, 3), P(5, 5, 2, 2), [1, 1, 1, 1], 'SAME')
tf.nn.conv2d(P(1, 3, 3), P(5, 5, 2, 2), [1, 1, 1, 1], 'SAME')
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), [1, 1, 1], 'SAME')
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), [1, 0, 0, 1], 'SAME')
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), [1, 1, 1, 1], 'FOO')
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), 1, [[0, 0], [1, 1], [1, -1], [0, 0]])
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), 1, [[0, 1], [1, 1], [1, 1], [0, 0]])
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), 1, 'EXPLICIT')
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), 1, [1, 1, 1, 1])
tf.nn.conv2d(P(1, 3, 3, 2), P(5, 5, 2, 2), 1, 'SAME', filters=P(1))
tf.nn.conv3d(P(1, 3, 3, 3, 2), P(2, 2, 2, 2, 2), [1, 1, 1, 1], 'SAME')
tf.nn.conv2d_transpose(P(1, 3, 3, 2), P(2, 2, 1, 2), [1, 6, 6], [1, 2, 2, 1])
tf.nn.convolution(P(1, 3, 3, 2), P(2, 2, 3, 1), 'SAME', dilation_rate=[2, 2])
tf.nn.convolution(P(1, 3, 3, 2), P(2, 2, 2, 1), 'SAME', [2, 1], [2, 2])
tf.nn.convolution(P(1, 3), P(2, 2, 2, 1), 'SAME')
tf.nn.depthwise_conv2d(P(1, 3, 3, 2), P(2, 2, 3, 1), [1, 1, 1, 1], 'SAME')
tf.nn.max_pool(P(1, 3, 3, 2), [1, 4, 4, 1], [1, 1, 1, 1], 'VALID')
tf.nn.max_pool(P(1, 3, 2), [1, 4, 4, 1], [1, 1, 1, 1], 'VALID')
tf.nn.max_pool(P(1, 3, 3, 2), [1, 0, 4, 1], [1, 1, 1, 1], 'VALID')
tf.nn.max_pool(P(1, 3, 3, 2), [1, 1, 1], [1, 1, 1, 1], 'VALID')
tf.nn.bias_add(P(2, 3), P(4))
tf.nn.bias_add(P(3), P(3))
tf.nn.bias_add(P(2, 3), P(3), data_format='HWC')
tf.nn.softmax(P())
tf.nn.softmax(P(2, 3), axis=2)
tf.nn.softmax_cross_entropy_with_logits_v2(labels=P(2, 3), logits=P(2, 4))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 0], logits=P(3, 4))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 0], logits=P(3))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 0], logits=P())
tf.gradients(tf.gradients(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=S(1, 2) * P(1, 2)), tf.get_default_graph().get_tensor_by_name('mul:0')), tf.get_default_graph().get_tensor_by_name('mul:0'))
tf.nn.sigmoid_cross_entropy_with_logits(P(2), P(2))
tf.nn.sigmoid_cross_entropy_with_logits(labels=P(2), logits=P(3))
tf.nn.dropout(C([1]), 0.5)
tf.nn.dropout(P(2), rate=1.5)
tf.nn.dropout(P(2))
tf.nn.dropout(P(2), 0.5, rate=0.4)
tf.nn.fused_batch_norm(P(1, 3, 3, 2), P(3), P(2))
tf.nn.fused_batch_norm(P(1, 3, 3, 2), P(2), P(2), mean=P(2))
tf.nn.lrn(P(3, 2))
tf.nn.embedding_lookup([], [1])
tf.nn.embedding_lookup(None, [1])
tf.nn.embedding_lookup([P(2, 3), P(2, 3)], [1], partition_strategy='x')
tf.nn.embedding_lookup_sparse(P(2, 3), [1], None, combiner='sum')
tf.gradients(tf.gradients(tf.nn.softsign(P(2)), tf.get_default_graph().get_tensor_by_name('Placeholder:0')), tf.get_default_graph().get_tensor_by_name('Placeholder:0'))
"""

#: refused when run
FAILING = """
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 9], logits=S(3, 4))
tf.nn.bias_add(tf.placeholder_with_default(S(2, 3), None), S(4))
tf.nn.conv2d(tf.placeholder_with_default(S(2, 3), None), S(2, 2, 1, 1), 1, 'SAME')
tf.nn.conv2d(tf.placeholder_with_default(S(1, 3, 3, 1), None), S(5, 5, 1, 1), 1, 'VALID')
tf.nn.conv2d(S(1, 3, 3, 1), S(1, 1, 1, 1), [1, 1, 1, 2], 'VALID')
tf.nn.conv2d_transpose(S(1, 3, 3, 2), S(2, 2, 1, 2), [1, 9, 6, 1], [1, 2, 2, 1])
tf.nn.max_pool(tf.placeholder_with_default(S(2, 3), None), 1, 1, 'SAME')
tf.nn.max_pool(S(2, 3, 3, 4), [1, 1, 1, 3], [1, 1, 1, 3], 'VALID')
tf.nn.max_pool(S(2, 3, 3, 4), [1, 2, 1, 2], [1, 1, 1, 2], 'VALID')
tf.nn.avg_pool(S(2, 3, 3, 4), [1, 1, 1, 1], [2, 1, 1, 1], 'VALID')
tf.nn.softmax(tf.placeholder_with_default(3.0, None))
tf.nn.in_top_k(tf.placeholder_with_default(S(2, 3), None), [1], 1)
tf.raw_ops.DataFormatDimMap(x=[1], src_format='1233', dst_format='4321')
tf.raw_ops.DataFormatVecPermute(x=[1, 2, 3])
tf.nn.embedding_lookup(S(4, 3), [5])
"""
