"""What tools that change graphs ask of op types: which fold into which."""

from __future__ import annotations

#: what is put in the place of a node that is fed
PLACEHOLDER = "Placeholder"
#: in which order normalizations take what they need
INPUT_ORDER = {
    "BatchNormWithGlobalNormalization": [
        "conv_op",
        "mean_op",
        "var_op",
        "beta_op",
        "gamma_op",
    ],
    "FusedBatchNorm": ["conv_op", "gamma_op", "beta_op", "mean_op", "var_op"],
}
#: what they call ε
EPSILON_ATTR = {
    "BatchNormWithGlobalNormalization": "variance_epsilon",
    "FusedBatchNorm": "epsilon",
}
#: an attribute that says whether they multiply by γ, where they may not
SCALE_ATTR = {"BatchNormWithGlobalNormalization": "scale_after_normalization"}
#: ops in whose weights a factor of each channel can go
WEIGHTED = ("Conv2D", "MatMul", "DepthwiseConv2dNative")
#: those of images
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
#: the one whose channels are those of its inputs times a multiplier
DEPTHWISE = "DepthwiseConv2dNative"
PRODUCT = "Mul"
#: op types that a model of a stranger should not have: they write or read files
SUSPECT = frozenset(["WriteFile", "ReadFile", "PrintV2"])
