"""Rows for activations, softmax, biases, cross entropies and normalization."""

from tests.ops.rows import c, f, row

_LABELS = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
_IMAGE = [[[[1.0, -2.0, 0.5], [0.3, 4.0, -1.0]]], [[[0.0, 2.5, 3.0], [1.5, -0.5, 2.0]]]]
_VECTOR = [1.0, 2.0, 0.5]
_IMAGES = c(_IMAGE, "float32")
_ROW = c(_VECTOR, "float32")
_NONE = c([], "float32")

_TRUE = c([[1, 5], [0, 2], [7, 9]], "int64")
_SAMPLE = dict(num_true=2, num_sampled=6, unique=True, seed=5, order=0, tier1=False)

ROWS = [
    row("Relu", f(3, 4)),
    row("ReluGrad", f(3, 4), f(3, 4)),
    row("Relu6", f(3, 4, low=-3.0, high=9.0)),
    row("Relu6Grad", f(3, 4), f(3, 4, low=-3.0, high=9.0)),
    row("LeakyRelu", f(3, 4), alpha=0.3),
    row("LeakyReluGrad", f(3, 4), f(3, 4), alpha=0.3),
    row("Elu", f(3, 4)),
    row("EluGrad", f(3, 4), f(3, 4, low=-0.9)),
    row("Selu", f(3, 4)),
    row("SeluGrad", f(3, 4), f(3, 4, low=-1.5)),
    row("Softplus", f(3, 4)),
    row("SoftplusGrad", f(3, 4), f(3, 4)),
    row("Softsign", f(3, 4), order=1),
    row("SoftsignGrad", f(3, 4), f(3, 4), order=0),
    row("Softmax", f(2, 3, 4)),
    row("LogSoftmax", f(2, 3, 4)),
    row("BiasAdd", f(2, 3, 4), f(4)),
    row("BiasAdd", f(2, 3, 4, 5), f(3), data_format="NCHW"),
    row("BiasAddV1", f(2, 3, 4), f(4)),
    row("BiasAddGrad", f(2, 3, 4)),
    row("BiasAddGrad", f(2, 3, 4, 2), data_format="NCHW"),
    row("L2Loss", f(3, 4)),
    row("InTopK", c([[0.1, 0.9], [0.8, 0.2]], "float32"), c([1, 1]), k=1, order=0),
    row(
        "InTopKV2",
        c([[0.1, 0.9], [0.8, 0.2]], "float32"),
        c([1, 5], "int32"),
        c(1, "int32"),
        order=0,
    ),
    row("SoftmaxCrossEntropyWithLogits", f(2, 3), c(_LABELS)),
    row("DataFormatDimMap", c([-4, 3, 0], "int32"), order=0),
    row("DataFormatVecPermute", c([7, 4, 9, 3], "int32"), order=0),
    row("DataFormatVecPermute", c([[1, 2]] * 4), order=0),
    row("SparseSoftmaxCrossEntropyWithLogits", f(2, 3), c([2, 0]), order=0),
    *[
        row(kind, _IMAGES, _ROW, _ROW, _NONE, _NONE, order=0, compared=rest)
        for kind, rest in (
            ("FusedBatchNorm", {}),
            ("FusedBatchNormV2", {}),
            ("FusedBatchNormV3", {5: "dtype"}),
        )
    ],
    row(
        "FusedBatchNorm",
        _IMAGES,
        *[_ROW] * 4,
        is_training=False,
        order=0,
        # TensorFlow leaves the statistics of the batch as memory was
        compared=dict.fromkeys(range(1, 5), "shape"),
    ),
    *[
        row(
            kind,
            _IMAGES,
            _IMAGES,
            *[_ROW] * 3,
            *rest,
            is_training=on,
            order=0,
            # uninitialized scalars, whatever shape TensorFlow's rule promises
            compared={3: "dtype", 4: "dtype"},
        )
        for kind, rest in (
            ("FusedBatchNormGrad", ()),
            ("FusedBatchNormGradV2", ()),
            ("FusedBatchNormGradV3", (_ROW,)),
        )
        for on in (True, False)
    ],
    *[
        row(
            "BatchNormWithGlobalNormalization",
            f(2, 2, 1, 3),
            f(3),
            f(3, low=0.5),
            f(3),
            f(3),
            variance_epsilon=0.01,
            scale_after_normalization=scaled,
            order=1,
        )
        for scaled in (True, False)
    ],
    row(
        "BatchNormWithGlobalNormalizationGrad",
        f(2, 2, 1, 3),
        f(3),
        f(3, low=0.5),
        f(3),
        f(2, 2, 1, 3),
        variance_epsilon=0.01,
        scale_after_normalization=True,
        order=0,
    ),
    row("LRN", _IMAGES, depth_radius=1, alpha=0.5, beta=0.75, order=0),
    row("LRNGrad", *[_IMAGES] * 3, depth_radius=1, alpha=0.5, beta=0.75, order=0),
    *[
        row(kind, _TRUE, range_max=13, **_SAMPLE)
        for kind in (
            "UniformCandidateSampler",
            "LogUniformCandidateSampler",
            "LearnedUnigramCandidateSampler",
            "ThreadUnsafeUnigramCandidateSampler",
        )
    ],
    row(
        "FixedUnigramCandidateSampler",
        _TRUE,
        range_max=10,
        unigrams=[float(i) for i in range(10)],
        **_SAMPLE,
    ),
    row("AllCandidateSampler", _TRUE, **_SAMPLE),
    row(
        "ComputeAccidentalHits",
        _TRUE,
        c([5, 3, 7], "int64"),
        num_true=2,
        order=0,
        tier1=False,
    ),
]
