"""Every op that updates a variable by a gradient, with inputs for it.

Written for both Pythons; the numbers follow from the op's name alone.
"""

import zlib

import numpy as np

#: rule: slots, scalars and gradient in the order of the inputs, and attributes
RULES = {
    "GradientDescent": ("var", "alpha delta", [{}]),
    "Momentum": (
        "var accum",
        "lr grad momentum",
        [{"use_nesterov": False}, {"use_nesterov": True}],
    ),
    "KerasMomentum": (
        "var accum",
        "lr grad momentum",
        [{"use_nesterov": False}, {"use_nesterov": True}],
    ),
    "Adam": (
        "var m v",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        [{"use_nesterov": False}, {"use_nesterov": True}],
    ),
    "AdamWithAmsgrad": (
        "var m v vhat",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        [{}],
    ),
    "AdaMax": ("var m v", "beta1_power lr beta1 beta2 epsilon grad", [{}]),
    "Adagrad": (
        "var accum",
        "lr grad",
        [{"update_slots": True}, {"update_slots": False}],
    ),
    "AdagradV2": (
        "var accum",
        "lr epsilon grad",
        [{"update_slots": True}, {"update_slots": False}],
    ),
    "AdagradDA": (
        "var gradient_accumulator gradient_squared_accumulator",
        "grad lr l1 l2 global_step",
        [{}],
    ),
    "ProximalGradientDescent": ("var", "alpha l1 l2 delta", [{}]),
    "ProximalAdagrad": ("var accum", "lr l1 l2 grad", [{}]),
    "RMSProp": ("var ms mom", "lr rho momentum epsilon grad", [{}]),
    "CenteredRMSProp": ("var mg ms mom", "lr rho momentum epsilon grad", [{}]),
    "Adadelta": ("var accum accum_update", "lr rho epsilon grad", [{}]),
    "Ftrl": ("var accum linear", "grad lr l1 l2 lr_power", [{}]),
    "FtrlV2": ("var accum linear", "grad lr l1 l2 l2_shrinkage lr_power", [{}]),
    "AddSign": ("var m", "lr alpha sign_decay beta grad", [{}]),
    "PowerSign": ("var m", "lr logbase sign_decay beta grad", [{}]),
}
_NOT_SPARSE = (
    "GradientDescent Adam AdamWithAmsgrad AdaMax AddSign PowerSign KerasMomentum"
).split()
#: rules with a kernel for float16 that are tried with it
_HALF = ("GradientDescent", "Momentum", "Adam", "RMSProp", "Ftrl", "Adadelta")
_ONLY_RESOURCE = ("AdamWithAmsgrad", "KerasMomentum")


def op_types():
    """The op types of every rule: {op type: rule}."""
    found = {}
    for rule in RULES:
        for resource in ("", "Resource"):
            for sparse in ("", "Sparse"):
                if (
                    sparse
                    and rule in _NOT_SPARSE
                    and resource + rule != ("ResourceKerasMomentum")
                ):
                    continue
                if rule in _ONLY_RESOURCE and not resource:
                    continue
                found[resource + sparse + "Apply" + rule] = rule
    return found


OPS = op_types()


def cases():
    """(name of the case, op type, dtype, attributes) for all."""
    found = []
    for op_type, rule in OPS.items():
        for i, attrs in enumerate(RULES[rule][2]):
            for dtype in ("float32", "float16"):
                if dtype == "float32" or (i == 0 and rule in _HALF):
                    name = f"{op_type}-{i}-{dtype}"
                    found.append((name, op_type, dtype, attrs))
    return found


def inputs(op_type, dtype):
    """Initial slots, and the other inputs in order."""
    slots, rest, _ = RULES[OPS[op_type]]
    random = np.random.RandomState(zlib.crc32(op_type.encode()) % 1000)
    sparse = "Sparse" in op_type
    first = [random.uniform(0.2, 1.5, (4, 2)).astype(dtype) for _ in slots.split()]
    first[0] -= first[0].dtype.type(0.8)
    if "mg" in slots:
        first[1] *= first[1].dtype.type(0.1)
    others = []
    for name in rest.split():
        if name in ("grad", "delta"):
            shape = (3, 2) if sparse else (4, 2)
            others.append(random.uniform(-1, 1, shape).astype(dtype))
            if sparse:
                others.append(np.array([2, 0, 2], np.int32))
        elif name == "global_step":
            others.append(np.array(3, np.int64))
        elif name == "lr_power":
            power = -0.5 if dtype == "float16" else -0.6
            others.append(np.array(power, dtype))
        else:
            others.append(np.array(random.uniform(0.05, 0.6), dtype))
    return first, others


def build(tf, raw, op_type, dtype, attrs):
    """The variables and the operation that updates them.

    `raw(op_type)` is the function that applies an op type.
    """
    first, others = inputs(op_type, dtype)
    resource = op_type.startswith("Resource")
    variables = [tf.Variable(v, use_resource=resource) for v in first]
    refs = [v.handle if resource else v._ref() for v in variables]
    return variables, raw(op_type)(*(refs + [tf.constant(o) for o in others]), **attrs)
