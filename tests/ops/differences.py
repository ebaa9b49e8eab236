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
    "IsInf/0 T=bfloat16": _XLA + "NaN is taken for infinite",
    "MaxPoolGradGradWithArgmax/*": "TensorFlow has it for GPUs only; here it is useful",
    "Multinomial/0 T=bfloat16": _OWN,
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
