"""Where values or refusals are not TensorFlow 1.15's, and why.

By a pattern for the names of cases. A case that is listed and does not differ fails,
as one does that differs and is not listed.
"""

from __future__ import annotations

#: of what its compiler, to which it leaves dtypes that its own kernels lack, computes
_XLA = "a kernel of XLA's alone: "
_LAST = _XLA + "of equal elements the last is taken, everywhere else the first"
_OWN = _XLA + "random numbers are drawn in another way"

DIFFERENCES: dict[str, str] = {
    "AccumulateNV2/0 T=q*": "TensorFlow sums in a variable, which no such dtype has",
    "AccumulateNV2/0 T=uint32": "likewise",
    "AccumulateNV2/0 T=uint64": "likewise",
    "ArgMax/0 T=quint8": _LAST,
    "ArgMax/0 T=uint32": _LAST,
    "ArgMax/0 T=uint64": _LAST,
    "ArgMin/0 T=quint8": _LAST,
    "ArgMin/0 T=uint32": _LAST,
    "ArgMin/0 T=uint64": _LAST,
    "CTCBeamSearchDecoder/0": "TensorFlow computes logarithms in float32",
    "CTCLoss/0": "TensorFlow computes logarithms in float32",
    "IsInf/0 T=bfloat16": _XLA + "NaN is taken for infinite",
    "MaxPoolGradGradWithArgmax/*": "TensorFlow has it for GPUs only; here it is useful",
    "Multinomial/0 T=bfloat16": _OWN,
    "NonMaxSuppressionV2/0 T_threshold=float16": "TensorFlow reads it as a float32",
    "QuantizeAndDequantizeV2/1 T=float16": _XLA + "it rounds between other steps",
    "RandomShuffle/0 T=uint64": _OWN,
    "StatefulUniformInt/0 dtype=uint32": _XLA + "it moves the state on by less",
    "StatefulUniformInt/0 dtype=uint64": _XLA + "it moves the state on by less",
    "StatelessMultinomial/0 T=bfloat16 *": _OWN,
    "ResourceGather/1 dtype=uint32": _XLA + "it knows of no batch",
    "ResourceGather/1 dtype=uint64": _XLA + "it knows of no batch",
    "StatefulRandomBinomial/0 S=int32": "TensorFlow uses memory that is another's",
    "StringFormat/0 T=bfloat16": "TensorFlow writes question marks for the numbers",
    "Svd/1 T=float16": _XLA + "it gives NaN",
    "Svd/2 T=float16": _XLA + "it gives NaN",
    "Svd/3 T=float16": _XLA + "it gives NaN",
    "TopKV2/0 T=uint32": _LAST,
}

#: op types that add products up, by pattern: whether sums of numbers next to the limits
#: overflow depends on the order, and that on the processor
SUMS = (
    "Conv*",
    "DepthwiseConv*",
    "*MatMul*",
    "AvgPool*",
    "EuclideanNorm",
    "ResizeBicubic*",
)
#: of other rows on hostile values (see `hostile`): by reason, the names of rows; in
#: float32 where no dtype is named
_HOSTILE = {
    "XLA selects where a truth value is multiplied with: 0 · NaN is 0": """
        ReluGrad/0 Relu6Grad/0""",
    "TensorFlow keeps a NaN that is the first of its window": """
        MaxPool/2 MaxPoolGrad/0 MaxPoolGradV2/0 MaxPoolWithArgmax/0
        MaxPoolWithArgmax/1 FractionalMaxPool/0 FractionalMaxPool/1
        FractionalMaxPool/2 FractionalMaxPool/3 FractionalMaxPoolGrad/0""",
    "where NaN comes to lie depends on how TensorFlow sorts": "TopKV2/0 NthElement/0",
    "TensorFlow takes NaN for the sum so far": """
        CumulativeLogsumexp/0 CumulativeLogsumexp/1 CumulativeLogsumexp/3""",
    "elimination takes other pivots where nothing is finite": """
        MatrixDeterminant/0 LogMatrixDeterminant/0 MatrixSolveLs/2 Qr/1""",
    "TensorFlow adds absolute values, which overflow": "FloorDiv/0:int32",
    "what is left of sums that cancel out depends on the order": """
        ResizeArea/1""",
    "places between pixels are rounded once, in TensorFlow several times": """
        CropAndResize/0:int32 CropAndResize/1:int32""",
    "of a quotient by zero the compiled tier makes one by 1": """
        ScatterDiv/0:int32 ResourceScatterDiv/0:int32""",
    "TensorFlow loses NaN, by XLA, or finds it beside a limit": "TruncateDiv/0",
    "TensorFlow gives NaN for all classes of a sequence, not for its labels alone": """
        CTCLoss/0""",
    "TensorFlow's series overflow, or end before they converge": """
        Igamma/1 Igammac/1 IgammaGradA/0 RandomGammaGrad/0""",
    "a power that is denormal counts as zero in a compiled series": "Zeta/0",
    "TensorFlow's roots are approximations that fail at the limits": """
        Sqrt/0 Rsqrt/0 ResourceApplyAdamWithAmsgrad/0 ApplyAdagrad/0 ApplyAdagrad/1
        ResourceApplyAdagrad/0 ResourceApplyAdagrad/1 ApplyAdagradV2/0
        ApplyAdagradV2/1 ResourceApplyAdagradV2/0 ResourceApplyAdagradV2/1
        SparseApplyAdagradDA/0 ResourceSparseApplyAdagradDA/0 ApplyProximalAdagrad/0
        ResourceApplyProximalAdagrad/0 SparseApplyRMSProp/0
        ResourceSparseApplyRMSProp/0 SparseApplyCenteredRMSProp/0
        ResourceSparseApplyCenteredRMSProp/0 ApplyAdadelta/0 ResourceApplyAdadelta/0
        SparseApplyFtrlV2/0 ResourceSparseApplyFtrlV2/0""",
    "XLA fuses a product and a sum, and rounds once: they overflow or not": """
        ApplyMomentum/0 ApplyMomentum/1 ResourceApplyMomentum/0
        ResourceApplyMomentum/1 SparseApplyAdagradV2/0 ResourceSparseApplyAdagradV2/0
        SparseApplyAdadelta/0 ResourceSparseApplyAdadelta/0""",
}
HOSTILE: dict[str, str] = {
    f"{row} hostile={dtype or 'float32'}": reason
    for reason, names in _HOSTILE.items()
    for row, _, dtype in (name.partition(":") for name in names.split())
}
