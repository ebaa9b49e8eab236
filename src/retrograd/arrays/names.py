"""The names that a kernel may use on `xp`, whichever array library is behind it.

`arrays.numpy` and `arrays.xla` bind exactly these. `SAME_AS_NUMPY` are NumPy's
functions under NumPy's signatures; `DIFFERENT` bear a NumPy name (or one much like it)
but keep TensorFlow's dtype rules, or take fewer arguments; `ADDED` NumPy does not have.
The last two are documented in `arrays.numpy`, whose signatures `arrays.xla` repeats.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SAME_AS_NUMPY = _words("""
abs absolute add angle arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh array
bitwise_and bitwise_not bitwise_or bitwise_xor broadcast_to ceil clip concatenate conj
conjugate copysign cos cosh deg2rad diag diagonal divide dot empty empty_like equal exp
exp2 expand_dims expm1 eye flip floor floor_divide fmax fmin fmod full full_like greater
greater_equal hypot imag inner invert isfinite isinf isnan left_shift less less_equal
linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor
maximum meshgrid minimum mod moveaxis multiply ndim negative nextafter nonzero not_equal
ones ones_like outer pad positive rad2deg ravel real reciprocal remainder repeat reshape
right_shift rint roll searchsorted shape sign signbit sin sinh size sqrt square squeeze
stack subtract swapaxes take take_along_axis tan tanh tensordot tile transpose tri tril
triu true_divide trunc unique where zeros zeros_like
""")

CONSTANTS = _words("bfloat16 e finfo iinfo inf nan name newaxis pi")

DTYPES = _words("""
bool_ complex64 complex128 dtype float16 float32 float64 int8 int16 int32 int64 uint8
uint16 uint32 uint64
""")

DIFFERENT = _words("""
all any argmax argmin argsort asarray bincount cholesky cumprod cumsum det eigh einsum
inv matmul max mean min power prod qr round slogdet solve sort sum svd
""")

ADDED = _words("""
avg_pool avg_pool_grad bessel_i0e bessel_i1e betainc cast check cond conv
conv_filter_grad conv_input_grad depthwise_conv depthwise_conv_filter_grad
depthwise_conv_input_grad
digamma erf erfc erfinv fourier gather gather_nd igamma igamma_grad_a igammac lgamma
list_of max_pool max_pool_argmax max_pool_grad max_pool_grad_grad ndtri new_list
polygamma random_gamma_grad real_fourier real_fourier_inverse rsqrt same_padding
scatter scatter_nd segment_max segment_min segment_prod segment_sum sigmoid softplus
top_k triangular_solve while_loop zeta
""")

ALL = (*SAME_AS_NUMPY, *CONSTANTS, *DTYPES, *DIFFERENT, *ADDED)
