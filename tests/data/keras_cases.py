"""What `make_keras` asks TensorFlow 1.15: a line an expression, read in both modes.

`y` and `p` are labels and predictions [3, 4], `c` classes [3], `w` weights [3], `t` is
tf.constant; `L`, `M` and `O` are the losses, metrics and optimizers of Keras.
"""

#: tensors
VALUES = """
L.mean_squared_error(y, p)
L.mean_absolute_error(y, p)
L.mean_absolute_percentage_error(y + 0.5, p)
L.mean_squared_logarithmic_error(y, p)
L.squared_hinge(y, p)
L.hinge(y, p)
L.hinge(2 * y - 1, p)
L.categorical_hinge(y, p)
L.logcosh(y, p)
L.categorical_crossentropy(y, tf.constant(p))
L.categorical_crossentropy(y, tf.constant(p), label_smoothing=0.1)
L.categorical_crossentropy(y, tf.constant(p), from_logits=True)
L.categorical_crossentropy(y, tf.nn.softmax(tf.constant(p)))
L.sparse_categorical_crossentropy(c, tf.constant(p))
L.sparse_categorical_crossentropy(c, tf.constant(p), from_logits=True)
L.sparse_categorical_crossentropy(c[:, None], tf.nn.softmax(tf.constant(p)))
L.sparse_categorical_crossentropy(c[None, :, None], tf.constant(p[None]))
L.sparse_categorical_crossentropy(c, tf.constant(p.T[None]), axis=1)
L.binary_crossentropy(y, tf.constant(p))
L.binary_crossentropy(y, tf.constant(p), from_logits=True, label_smoothing=0.2)
L.binary_crossentropy(y, tf.nn.sigmoid(tf.constant(p)))
L.kullback_leibler_divergence(y, p)
L.poisson(y, p)
L.cosine_similarity(y, p)
L.cosine_similarity(y, p, axis=0)
L.mean_squared_error(y.astype(int), p)
L.mean_squared_error(y.astype(int), p.astype(int))
L.MeanSquaredError()(y, p)
L.MeanSquaredError()(y, p, sample_weight=w)
L.MeanSquaredError()(y, p, sample_weight=w[:, None])
L.MeanSquaredError(reduction="sum")(y, p, sample_weight=2.0)
L.MeanSquaredError(reduction="none", name="<lambda>")(y, p, w)
L.MeanSquaredError()(y.astype(float), p.astype(float))
L.MeanSquaredError()(y, p, sample_weight=[1.0, 2.0])
L.Huber(0.3)(y, p)
L.SparseCategoricalCrossentropy()(c[:, None], tf.constant(p))
L.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(y, p)
L.BinaryCrossentropy(label_smoothing=0.1)(y, tf.constant(p))
L.CosineSimilarity(axis=1)(y, p, w)
L.KLDivergence()(y, p)
L.get("mape")(y, p)
L.get({"class_name": "Huber", "config": {"delta": 0.3}})(y, p)
M.binary_accuracy(y, p, threshold=0.3)
M.categorical_accuracy(y, p)
M.sparse_categorical_accuracy(c[:, None], p)
M.sparse_categorical_accuracy(tf.constant(c), tf.constant(p))
M.top_k_categorical_accuracy(y, p, k=2)
M.sparse_top_k_categorical_accuracy(c[:, None], p, k=2)
O.schedules.deserialize(O.schedules.serialize(decay))(tf.constant(4))
"""

#: configurations, names and errors
FACTS = """
L.Huber(2.0).get_config()
L.CategoricalCrossentropy(True, 0.1).get_config()
L.serialize(L.MeanSquaredError())
L.serialize(L.mse)
L.get(None)
L.get("nothing")
L.get(4)
L.MeanSquaredError(reduction="mean")
M.get("nothing")
M.get(3)
M.AUC(num_thresholds=1)
M.AUC(curve="X")
M.AUC(summation_method="X")
M.AUC(thresholds=[0.3, 0.2], name="a").get_config()
M.AUC(curve="PR", num_thresholds=3, name="a").get_config()
M.FalsePositives(thresholds=2.0)
M.FalsePositives(name="a").get_config()
M.Recall(0.2, top_k=3, class_id=1, name="a").get_config()
M.SensitivityAtSpecificity(2.0)
M.SensitivityAtSpecificity(0.2, num_thresholds=0)
M.SpecificityAtSensitivity(-1.0)
M.SpecificityAtSensitivity(0.4, 3, name="a").get_config()
M.MeanTensor().result()
M.MeanIoU(3, name="a").get_config()
M.BinaryCrossentropy(from_logits=True).get_config()
M.serialize(M.CosineSimilarity())
O.SGD(momentum=2.0)
O.SGD(decay=-1.0)
O.SGD(clipnorm=-1.0)
O.SGD(speed=1.0)
O.Adagrad(initial_accumulator_value=-1.0)
O.Ftrl(learning_rate_power=0.5)
O.Ftrl(l1_regularization_strength=-1.0)
O.Nadam(learning_rate=decay)
O.SGD(decay, clipvalue=0.5).get_config()
O.serialize(O.Adam(amsgrad=True))
O.get("nothing")
O.get(4)
O.get("RMSprop").get_config()
O.get({"class_name": "adagrad", "config": {"lr": 0.5}}).get_config()
O.Ftrl().get_config()
O.Adadelta().lr
O.SGD().speed
O.SGD().get_updates(tf.constant(1.0), [])
O.SGD().set_weights([1])
"""

#: metrics: of y and p, then of p and y
METRICS = """
M.Accuracy()
M.BinaryAccuracy(threshold=0.3)
M.CategoricalAccuracy()
M.TopKCategoricalAccuracy(2)
M.MeanAbsoluteError()
M.MeanAbsolutePercentageError()
M.MeanSquaredError(dtype=tf.float64)
M.MeanSquaredLogarithmicError()
M.RootMeanSquaredError()
M.Hinge()
M.SquaredHinge()
M.CategoricalHinge()
M.LogCoshError()
M.Poisson()
M.KLDivergence()
M.CosineSimilarity()
M.BinaryCrossentropy()
M.CategoricalCrossentropy(label_smoothing=0.1)
M.MeanRelativeError(p + 1.0)
M.FalsePositives()
M.FalseNegatives([0.2, 0.6])
M.TruePositives(0.3)
M.TrueNegatives([0.0, 1.0])
M.Precision()
M.Precision([0.2, 0.4])
M.Recall()
M.Recall(top_k=2)
M.AUC(num_thresholds=5)
M.AUC(curve="PR", num_thresholds=7)
M.AUC(curve="PR", summation_method="majoring", num_thresholds=7)
M.AUC(summation_method="minoring", thresholds=[0.3, 0.5])
M.SensitivityAtSpecificity(0.4, num_thresholds=9)
M.SpecificityAtSensitivity(0.6, num_thresholds=1)
"""

#: metrics of other values: the arguments of two calls
CALLS = """
M.Mean() | [1.0, 3.0] | [5.0, 7.0], [1.0, 0.0]
M.Mean() | [[1.0, 3.0], [2.0, 4.0]], [1.0, 3.0] | 7.0
M.Sum() | [1.0, 3.0] | [[5.0, 7.0], [1.0, 2.0]], [1.0, 0.5]
M.MeanTensor() | [1.0, 3.0] | [5.0, 7.0], [1.0, 0.0]
M.SparseCategoricalAccuracy() | c[:, None], p | c, p[::-1], w
M.SparseTopKCategoricalAccuracy(2) | c, p | c, p[::-1]
M.SparseCategoricalCrossentropy() | c, p | c, p, w
M.MeanIoU(3) | t([0, 1, 2]), t([0, 0, 1]) | t([2]), t([2]), t([0.5])
M.CosineSimilarity(axis=0) | y, p | y, p, [1.0, 2.0, 0.0, 1.0]
M.Precision(top_k=2, class_id=1) | y, p | y, p, w
M.Recall(class_id=2) | y, p | y, np.round(p), w
"""

#: optimizers
OPTIMIZERS = """
O.SGD(0.1)
O.SGD(0.1, momentum=0.9, decay=0.5)
O.SGD(0.1, momentum=0.9, nesterov=True)
O.SGD(decay, clipnorm=0.7)
O.SGD(lr=0.1, clipvalue=0.2)
O.RMSprop(0.1)
O.RMSprop(0.1, centered=True)
O.RMSprop(0.1, momentum=0.5)
O.RMSprop(0.1, momentum=0.5, centered=True)
O.Adagrad(0.1)
O.Adadelta(1.0)
O.Adam(0.1, decay=0.1)
O.Adam(0.1, amsgrad=True, beta_2=0.5)
O.Adamax(0.1)
O.Nadam(0.1)
O.Ftrl(0.1, l1_regularization_strength=0.01)
O.Ftrl(0.1, l2_shrinkage_regularization_strength=0.1)
"""
