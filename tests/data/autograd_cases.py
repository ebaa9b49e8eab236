"""What `make_autograd` asks PyTorch, and tests/autograd asks us: expressions, programs.

An expression names `torch` and the float64 leaves x (3, 4), p (3, 4; positive), y (4,),
m (4, 3), v (4,) and b (2, 3, 4); its result is differentiated twice.
"""

EXPRESSIONS = """
x + y
x - y
2 - x
x * y
x / p
3 / p
x ** 2
p ** 1.5
p ** y
2 ** x
-x
abs(x)
x.exp()
x.expm1()
p.log()
p.log1p()
p.log2()
p.log10()
p.sqrt()
p.rsqrt()
p.reciprocal()
x.square()
x.sin()
x.cos()
x.tan()
x.sigmoid()
x.tanh()
x.sinh()
x.cosh()
x.asinh()
(p + 1).acosh()
(x / 4).atanh()
(x / 4).asin()
(x / 4).acos()
x.atan()
x.erf()
x.erfc()
p.lgamma()
p.digamma()
torch.atan2(x, p)
x.relu()
torch.relu(x) ** 2
x.floor() * x
x.ceil() * x
x.round() * x
x.sign() * x
x % 2
x.clamp(-0.5, 0.5) * x
x.clamp(min=0) ** 3
torch.maximum(x, y)
torch.minimum(x, x * 1)
torch.where(x > 0, x ** 2, x ** 3)
x.masked_fill(x > 0, 2.0) ** 2
torch.lerp(x, p, 0.25)
x.add(p, alpha=2)
x.sub(p, alpha=0.5)
x.sum()
x.sum(0)
x.sum(dim=(0, 1))
x.sum(1, keepdim=True) * x
x.mean()
x.mean(dim=-1)
x.mean((0, 1), keepdim=True) ** 2
x.prod()
x.prod(1)
x.cumsum(0) ** 2
x.cumprod(1)
x.max()
x.max(1).values
x.max(dim=0, keepdim=True)[0] * x
x.min()
x.min(0)[0]
torch.max(x, p)
x.amax(1)
x.amin()
x.var()
x.var(1, unbiased=False)
x.std()
x.std(0, correction=0)
x.norm()
x.norm(dim=1)
x.norm(1)
x.norm(3, dim=0)
x.logsumexp(1)
x.softmax(1)
x.softmax(0)
torch.softmax(b, dim=1) ** 2
x.log_softmax(-1)
x.sort(1).values * x
x.sort(1, descending=True)[0] * x
x.topk(2)[0] ** 2
x @ m
x @ v
v @ m
v @ y
b @ m
torch.matmul(b, m).sum(0)
torch.mm(x, m) ** 2
torch.dot(v, y) ** 2
torch.outer(v, y)
torch.einsum("ij,jk->ik", x, m)
torch.addmm(x @ m, x, m)
torch.nn.functional.linear(x, m.t())
x.reshape(4, 3) * m
x.reshape(-1) ** 2
x.view(2, 6).sin()
b.flatten(1) ** 2
b.permute(2, 0, 1) ** 2
b.transpose(0, 2).sin()
x.t() * m
x.T * m
b.mT ** 2
x.unsqueeze(1) * b[:1].transpose(0, 1)
x.unsqueeze(0).squeeze() ** 2
x.unsqueeze(-1).squeeze(-1) ** 2
y.expand(3, 4) * x
y.repeat(2, 2) ** 2
x.flip(0) * x
x[0] * y
x[1, 2] ** 3
x[:, 1] ** 2
x[1:, ::2] ** 2
x[..., None] ** 2
x[-1, 1:3] ** 2
x[[0, 2]] * y
x[torch.tensor([0, 0, 1])] ** 2
x[torch.tensor([0, 2]), torch.tensor([1, 1])] ** 2
x[:, torch.tensor([3, 1])] ** 2
x[x > 0] ** 2
x.narrow(1, 1, 2) ** 2
x.select(0, 1) * y
x.split(2, dim=1)[0] * x.split(2, dim=1)[1]
x.chunk(2, 1)[1] ** 2
x.unbind(0)[1] * y
torch.cat([x, p]) ** 2
torch.cat((x, p), dim=1).sin()
torch.stack([y, v], 1) ** 2
x.gather(1, torch.tensor([[0, 1], [2, 2], [3, 0]])) ** 2
x.index_select(1, torch.tensor([2, 0])) ** 2
torch.diag(y) ** 2
torch.tril(x) ** 2
torch.triu(x, 1) ** 2
(x @ m).trace() ** 2
x.clone() * x
x.detach() * x
x.double() * x
x.roll(1, 0) * x
x.roll((1, 2), (0, 1)) ** 2
x.roll(5) * x
x.repeat_interleave(2, dim=1) ** 2
x.scatter(1, torch.tensor([[0, 1], [2, 3], [1, 0]]), p[:, :2]) ** 2
x.scatter(1, torch.tensor([[0], [2], [1]]), 3.0) ** 2
x.scatter_add(0, torch.tensor([[0, 0, 1, 2], [0, 1, 1, 1]]), p[:2]) ** 2
b.diagonal(dim1=-2, dim2=-1) ** 2
b.diagonal(1, 0, 2) ** 2
x.movedim(0, 1) * m
b.swapaxes(0, 2) ** 2
torch.vstack((y, v, x)) ** 2
torch.hstack([x, p]) ** 2
torch.hstack([y, v]) ** 2
torch.meshgrid(y, v, indexing="ij")[0] * torch.meshgrid(y, v, indexing="ij")[1]
torch.meshgrid(y, v, indexing="xy")[0] * x.sum()
(x @ m + torch.eye(3, dtype=torch.float64)).det()
(x @ m + torch.eye(3, dtype=torch.float64)).inverse()
x.clip(-1, 1) ** 2
torch.nn.functional.softplus(x)
torch.nn.functional.leaky_relu(x, 0.1) * x
torch.nn.functional.elu(x) ** 2
torch.nn.functional.selu(x)
torch.nn.functional.gelu(x)
torch.nn.functional.silu(x)
torch.nn.functional.logsigmoid(x)
torch.nn.functional.mse_loss(x, p)
torch.nn.functional.mse_loss(x, p, reduction="sum")
torch.nn.functional.l1_loss(x, p)
torch.nn.functional.nll_loss(x.log_softmax(1), torch.tensor([0, 3, 1]))
torch.nn.functional.cross_entropy(x, torch.tensor([2, 2, 1]))
torch.nn.functional.cross_entropy(x, torch.tensor([2, 2, 1]), weight=p[0].detach())
torch.nn.functional.cross_entropy(x, p, reduction="none")
torch.nn.functional.binary_cross_entropy(x.sigmoid(), p.detach().clamp(max=1))
torch.nn.functional.binary_cross_entropy_with_logits(x, p.detach().clamp(max=1))
(x * torch.arange(4)).sum(1)
(x > y).double() * x
""".strip().splitlines()

#: expressions of no variables: only the value and its type are asked
CONSTANTS = """
torch.tensor(1)
torch.tensor([1, 2.5])
torch.tensor([True, False])
torch.tensor([[1, 2], [3, 4]]) / 2
torch.tensor([1, 2]) * 2
torch.tensor([1, 2]) * 2.5
torch.tensor([1.0, 2.0]) * 2
torch.tensor([1, 2]) + torch.tensor(2.5)
torch.tensor([1.0]) + torch.tensor(2.5, dtype=torch.float64)
torch.tensor([1.0]) + torch.tensor([2.5], dtype=torch.float64)
torch.tensor([1], dtype=torch.int32) + torch.tensor([1])
torch.tensor([True]) + torch.tensor([True])
torch.tensor([True]) + 1
torch.tensor([3, -3]) // 2
torch.tensor([3.0, -3.0]) % 2
torch.tensor([7, -7]).div(2, rounding_mode="trunc")
torch.tensor([1, 2, 3]).sum()
torch.tensor([True, True]).sum()
torch.tensor([1, 2]).exp()
torch.tensor([1, 2]) == torch.tensor([1, 3])
torch.tensor([1, 2]) > 1.5
(torch.tensor([1, 2]) > 1) & (torch.tensor([1, 2]) < 5)
~torch.tensor([True, False])
torch.tensor([5, 3]) ^ torch.tensor([1, 1])
torch.tensor([3.0, 1.0, 2.0]).argmax()
torch.tensor([[3.0, 1.0], [1.0, 2.0]]).argmin(dim=1)
torch.tensor([3.0, 1.0, 2.0]).sort()[1]
torch.tensor([3, 1, 2]).max()
torch.tensor([0, 1]).any()
torch.tensor([0, 1]).all()
torch.tensor([[1, 2]]).all(dim=0)
torch.zeros(2, 3)
torch.ones((2,))
torch.full((2, 2), 7)
torch.full((2,), 1.5)
torch.arange(5)
torch.arange(1, 2, 0.25)
torch.arange(5.0)
torch.linspace(0, 1, 5)
torch.eye(2)
torch.zeros_like(torch.tensor([1, 2]))
torch.ones_like(torch.tensor([1.5]))
torch.tensor([1.5, 2.5]).round()
torch.tensor([1.7]).long()
torch.tensor([1.7, 0.0]).bool()
torch.tensor([1.0]).to(torch.float64)
torch.tensor([float("nan"), 1.0]).isnan()
torch.tensor([1e-8, 1.0]).clamp(min=1e-3)
torch.manual_seed(0) and torch.rand(5)
torch.manual_seed(1) and torch.randn(5)
torch.manual_seed(2) and torch.randn(37)
torch.manual_seed(3) and torch.randn(4, 5, dtype=torch.float64)
torch.manual_seed(4) and torch.rand(3, dtype=torch.float64)
torch.manual_seed(5) and torch.randint(0, 10, (6,))
torch.manual_seed(6) and torch.randperm(7)
torch.manual_seed(7) and torch.empty(3).uniform_(-1, 1)
torch.manual_seed(8) and torch.empty(20).normal_(1, 2)
torch.tensor([3.0, 1.0, 2.0]).argsort(descending=True)
torch.tensor([0, 3, 4]).nonzero()
torch.tensor([0, 3, 4]).count_nonzero()
torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
torch.equal(torch.tensor([1.0]), torch.tensor([1.5]))
torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
torch.zeros(2, 3).scatter_(1, torch.tensor([[1], [2]]), 1.0)
torch.tensor([1.0]).new_zeros(2, 2)
torch.tensor([1]).new_tensor([1, 2])
torch.randn(2, 2, device=torch.device("cpu")).shape[0]
torch.pi
torch.tensor([[1, 2], [3, 4]]).numel()
torch.tensor([[1, 2], [3, 4]]).shape[0]
torch.tensor(2.5).item()
torch.tensor([[1, 2], [3, 4]]).tolist()
""".strip().splitlines()

#: what each prints is compared line by line; a raised error prints its first line
PROGRAMS = {
    "accumulates": """
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
d = w.mean()
print(d)
d.backward()
print(w.grad)
d.backward()
print(w.grad)
before = w.grad
w.mean().backward()
print(w.grad is before, w.grad)
w.grad.zero_()
print(w.grad)
w.grad = None
w.mean().backward()
print(w.grad)
""",
    "descends": """
x = torch.arange(6.0).reshape(3, 2)
t = torch.tensor([[1.0], [2.0], [3.5]])
w = torch.zeros(2, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(5):
    loss = ((x @ w + b - t) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.05 * w.grad
        b -= 0.05 * b.grad
        w.grad.zero_()
        b.grad = None
    print(f"{loss.item():.4f}", w, b)
""",
    "optimizers": """
for make in (
    lambda ps: torch.optim.SGD(ps, lr=0.1),
    lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.9, nesterov=True),
    lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.5, dampening=0.25),
    lambda ps: torch.optim.Adam(ps, lr=0.1),
    lambda ps: torch.optim.Adam(ps, 0.01, (0.8, 0.9), eps=1e-3, weight_decay=0.1),
    lambda ps: torch.optim.SGD([{"params": ps, "lr": 0.5}], lr=0.1),
):
    w = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    optimizer = make([w])
    for _ in range(4):
        optimizer.zero_grad()
        loss = (w ** 2).sum() + w.prod()
        loss.backward()
        optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    print(w)
w.grad = torch.ones(3)
optimizer.zero_grad(set_to_none=False)
print(w.grad)
for make in (
    lambda: torch.optim.SGD([], lr=0.1),
    lambda: torch.optim.SGD([w], lr=-1),
    lambda: torch.optim.Adam([w * 2]),
):
    try:
        make()
    except ValueError as error:
        print(error)
""",
    "newton": """
p = torch.tensor([-1.0, 2.0], dtype=torch.float64, requires_grad=True)
for _ in range(6):
    f = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    (g,) = torch.autograd.grad(f, p, create_graph=True)
    rows = [torch.autograd.grad(g[i], p, retain_graph=True)[0] for i in range(2)]
    with torch.no_grad():
        p -= torch.stack(rows).inverse() @ g
    print(p)
""",
    "recurrent": """
torch.manual_seed(3)
wx, wh, b = torch.randn(3, 4) * 0.5, torch.randn(4, 4) * 0.5, torch.zeros(4)
for w in (wx, wh, b):
    w.requires_grad_()
h, steps = torch.zeros(2, 4), []
for x in torch.randn(6, 2, 3):
    h = torch.tanh(x @ wx + h @ wh + b)
    steps.append(h)
torch.stack(steps).mean().backward()
print(wx.grad.norm(), wh.grad.sum(), b.grad)
""",
    "attention": """
torch.manual_seed(4)
q = torch.randn(2, 5, 8, requires_grad=True)
hidden = torch.tril(torch.ones(5, 5)) == 0
scores = (q @ q.transpose(-2, -1) / 8 ** 0.5).masked_fill(hidden, float("-inf"))
out = scores.softmax(dim=-1) @ q
out.sum().backward()
print(out[0, 1], q.grad.abs().sum())
""",
    "powers": """
for base, power in ((0.0, 0), (0.0, 1), (0.0, 2), (0.0, 0.0), (2.0, 0), (-2.0, 3)):
    x = torch.tensor([base], requires_grad=True)
    (x ** power).backward()
    print((x ** power).detach(), x.grad)
    x.grad, p = None, torch.tensor([float(power)], requires_grad=True)
    (x ** p).backward()
    print((x ** p).detach(), x.grad, p.grad if base >= 0 else None)
""",
    "rows": """
v = torch.arange(3.0, requires_grad=True)
total = torch.zeros(3)
for i in range(4):
    total += v * i
total.prod().backward()
print(total, v.grad)
out = torch.empty(4, 3)
for i in range(4):
    out[i] = v ** i
out.sum().backward()
print(out, v.grad)
""",
    "data": """
w = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(3):
    (w ** 2).sum().backward()
    w.data -= 0.1 * w.grad.data
    w.grad.data.zero_()
print(w, w.grad, w.is_leaf, w._version)
w.data.add_(1)
print(w)
w.data = torch.tensor([5.0, 6.0])
print(w, w.requires_grad)
""",
    "gradient": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * x
y.backward(torch.tensor([1.0, 10.0]))
print(x.grad)
y = x * x
y.backward(gradient=torch.ones_like(y), retain_graph=True)
y.backward(torch.ones(2))
print(x.grad)
""",
    "hooks": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x * 3
h.retain_grad()
handle = h.register_hook(lambda g: g * 2)
h.register_hook(lambda g: print("h", g))
x.register_hook(lambda g: g + 1)
(h ** 2).sum().backward()
print(x.grad, h.grad)
handle.remove()
x.grad = None
(x * 3).sum().backward()
print(x.grad)
""",
    "leaves": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
c = torch.tensor([1.0, 2.0])
y = x * c
print(x.is_leaf, y.is_leaf, c.is_leaf, (c * 2).is_leaf)
print(x.requires_grad, y.requires_grad, c.requires_grad)
print(x.grad_fn, y.grad_fn.name(), y.detach().requires_grad)
with torch.no_grad():
    z = x * 2
    with torch.enable_grad():
        u = x * 2
print(z.requires_grad, z.is_leaf, u.requires_grad)
print((x > 1).requires_grad, x.argmax().requires_grad)
torch.set_grad_enabled(False)
print((x * 2).requires_grad, torch.is_grad_enabled())
torch.set_grad_enabled(True)
with torch.set_grad_enabled(False):
    print((x * 2).requires_grad)
print((x * 2).requires_grad)

@torch.no_grad()
def f():
    return x * 2

print(f().requires_grad)
print(c.requires_grad_().requires_grad)
""",
    "grad": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.tensor([3.0, 4.0], requires_grad=True)
h = x * y
print(torch.autograd.grad(h.sum(), [x, y, h], retain_graph=True))
print(torch.autograd.grad([h.sum(), x.sum()], x, retain_graph=True))
print(torch.autograd.grad(h, x, grad_outputs=torch.tensor([1.0, 2.0])))
print(torch.autograd.grad(x.sum(), [x, y], allow_unused=True))
print(torch.autograd.grad(x.sum(), [x, y], materialize_grads=True))
print(x.grad, y.grad)
""",
    "second": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x ** 3).sum()
(g,) = torch.autograd.grad(y, x, create_graph=True)
print(g.detach(), g.requires_grad)
(g2,) = torch.autograd.grad(g.sum(), x, create_graph=True)
print(g2.detach())
(g3,) = torch.autograd.grad(g2.sum(), x)
print(g3)
(x ** 3).sum().backward(create_graph=True)
print(x.grad.requires_grad)
penalty = (x.grad ** 2).sum()
x.grad = None
penalty.backward()
print(x.grad)
""",
    "in_place": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 2
y.add_(1)
print(y, y._version)
y *= x
print(y)
y.sum().backward()
print(x.grad)
x.grad = None
b = torch.zeros(3)
b[0] = x[0] * 2
b[1:] = x[1:] ** 2
print(b)
b.sum().backward()
print(x.grad)
z = x * 1
z[1] = 5.0
(z ** 2).sum().backward()
print(x.grad)
h = x * 2
h.relu_().mul_(3).clamp_(max=15)
print(h.detach(), h._version)
e = x.detach().exp_()
u = (x * 1).exp_()
u.sum().backward()
print(e, x.grad)
""",
    "views": """
a = torch.zeros(2, 3)
v = a[0]
v.add_(1)
print(a)
a.view(-1)[4] = 7
print(a)
a.t()[2].fill_(9)
print(a, v)
r = a[1]
a.mul_(2)
print(r, v)
d = a.detach()
d[0, 0] = -1
print(a, v)
for row in a:
    row.sub_(1)
print(a)
x = torch.ones(2, requires_grad=True)
base = torch.zeros(2, 2)
part = base[1]
part.add_(x * 3)
other = base[:, 0]
print(base.requires_grad, other)
(other * 2).sum().backward()
print(x.grad)
""",
    "indexed": """
a = torch.arange(6.0).reshape(2, 3)
a[a > 3] = 0
print(a)
a[:, [0, 2]] = torch.tensor([[7.0], [8.0]])
print(a)
a[1] += 10
print(a)
i, j = torch.tensor([0, 1]), torch.tensor([1, 1])
a[i, j] = -1
print(a, a[i, j], a[0, -1], len(a))
""",
    "function": """
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return 3 * x ** 2 * dy

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Cube.apply(x)
print(y)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
print(g.detach())
print(torch.autograd.grad(g.sum(), x))

class Scale(torch.autograd.Function):
    @staticmethod
    def forward(x, factor, name):
        return x * factor, x + 1

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, factor, name = inputs
        ctx.factor = factor
        print(name, ctx.needs_input_grad, len(output))

    @staticmethod
    def backward(ctx, dy, dz):
        print(dy, dz, ctx.needs_input_grad)
        return dy * ctx.factor + dz, None, None

a, b = Scale.apply(x, 5.0, "scale")
a.sum().backward()
print(x.grad)

class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        index = x.argmax()
        rounded = x.round()
        ctx.mark_non_differentiable(rounded)
        y = x.exp()
        ctx.save_for_backward(y)
        return y, rounded, index, x * 2

    @staticmethod
    def backward(ctx, dy, dr, di, dz):
        (y,) = ctx.saved_tensors
        print(dr, di, dz)
        return dy * y

y, r, i, z = Twice.apply(x)
print(r.requires_grad, i.requires_grad, y.requires_grad)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
print(torch.autograd.grad(g.sum(), x))

class Add(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, dy):
        return dy * 10

h = x * 2
k = Add.apply(h)
print(k is h, h.detach())
h.sum().backward()
print(x.grad)
""",
    "errors": """
import warnings

def fails(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0])

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.tensor([1.0, 2.0])
fails(lambda: torch.tensor([1, 2], requires_grad=True))
fails(lambda: torch.tensor([1, 2]).requires_grad_())
fails(lambda: x.backward())
fails(lambda: y.sum().backward())
fails(lambda: x.add_(1))
fails(lambda: x.__setitem__(0, 1.0))
fails(lambda: x.view(-1).mul_(2))
fails(lambda: x.numpy())
fails(lambda: x.item())
fails(lambda: bool(x))
fails(lambda: len(x.sum()))
fails(lambda: list(x.sum()))
fails(lambda: (x * 2).requires_grad_(False))
fails(lambda: (x * 2).sum().backward(torch.ones(2)))
fails(lambda: torch.autograd.grad(x.sum(), y))
fails(lambda: torch.autograd.grad(x.sum(), [x, (y + 1).requires_grad_()]))
fails(lambda: torch.autograd.grad(x * 2, x, torch.ones(3)))
fails(lambda: y.register_hook(print))
fails(lambda: y.retain_grad())
fails(lambda: setattr(y, "grad", torch.ones(3)))
fails(lambda: setattr(y, "grad", 3))
fails(lambda: torch.tensor([1, 2]).add_(0.5))
fails(lambda: y.add_(torch.ones(2, 2)))
fails(lambda: y + torch.ones(3))
fails(lambda: y @ torch.ones(3))
fails(lambda: torch.ones(2, 3) @ torch.ones(2, 3))
fails(lambda: torch.tensor([1, 2]).mean())
fails(lambda: torch.ones(2, 3).sum(2))
fails(lambda: y[2])
fails(lambda: y[0, 0])
fails(lambda: y[::-1])
fails(lambda: y.sum()[0])
fails(lambda: y.reshape(3))
fails(lambda: torch.ones(1).expand(3).add_(1))
fails(lambda: torch.clamp(y))
fails(lambda: torch.tensor([True]) - torch.tensor([True]))

def twice():
    z = (x * x).sum()
    z.backward()
    z.backward()

fails(twice)

def nothing_saved():
    x.grad = None
    z = (x + 1).sum()
    z.backward()
    z.backward()
    return x.grad

fails(nothing_saved)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    (x * 2).grad
print(caught[0].category.__name__, str(caught[0].message)[:68])
""",
    "function_errors": """
def function(backward):
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a)
            return a + b
    Own.backward = staticmethod(backward)
    return Own

def fails(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0])

x = torch.tensor([1.0, 2.0], requires_grad=True)
for result in (
    lambda ctx, g: g,
    lambda ctx, g: (g, g, g),
    lambda ctx, g: (g, g[:1].expand(3)),
    lambda ctx, g: (g, 3),
    lambda ctx, g: (g, None, None),
):
    fails(lambda: function(result).apply(x, x).sum().backward())
fails(lambda: function(lambda ctx, g: (g, g)).apply(x, 1.0).sum().backward())
x.grad = None
larger = function(lambda ctx, g: (g, g[None].expand(3, 2)))
fails(lambda: larger.apply(x, x).sum().backward())
print(x.grad)

class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 1

fails(lambda: NoBackward.apply(x).sum().backward())

class Bad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(3)
        return a

fails(lambda: Bad.apply(x))

class Dirty(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        a.add_(1)
        ctx.mark_dirty(a)
        return a

fails(lambda: Dirty.apply(x))

class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * a

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        (a,) = ctx.saved_tensors
        return 2 * a * dy

x = torch.tensor([1.0, 2.0], requires_grad=True)
(g,) = torch.autograd.grad((Once.apply(x) ** 2).sum(), x, create_graph=True)
print(g.detach(), g.requires_grad)
fails(lambda: g.sum().backward())

def again():
    y = Once.apply(x).sum()
    y.backward()
    y.backward()

fails(again)
""",
    "gradcheck": """
def fails(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, str(error))

class Off(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * a

    @staticmethod
    def backward(ctx, dy):
        (a,) = ctx.saved_tensors
        return 2.01 * a * dy

check, again = torch.autograd.gradcheck, torch.autograd.gradgradcheck
x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
fails(lambda: check(lambda a: (a ** 3, a.sum()), x))
fails(lambda: again(lambda a: a ** 3, x))
fails(lambda: check(lambda a, b: a @ b, (x, x.detach().clone().requires_grad_())))
fails(lambda: check(Off.apply, x))
fails(lambda: check(Off.apply, (x,), raise_exception=False))
fails(lambda: check(lambda a: (a + 1, Off.apply(a)), x))
fails(lambda: check(Off.apply, x, rtol=0.1))
fails(lambda: again(Off.apply, x, raise_exception=False))
fails(lambda: check(Off.apply, x.detach()))
fails(lambda: check(lambda a: a.detach(), x))
""",
    "prints": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
for value in (
    x, y, y.sum(), torch.tensor([1, 2]), torch.tensor([0.5, 1000.25]),
    torch.tensor([1e-5, 1.0]), torch.tensor([1e9, 1.0]), torch.tensor(True),
    torch.tensor(3.14159, dtype=torch.float64), torch.tensor([]),
    torch.zeros(2, 3), x > 1, torch.tensor([1.0, float("nan")]),
    torch.tensor([1.5, float("inf")]), torch.arange(2000.0), torch.arange(2000),
    torch.tensor([-1.5, 2.0]), y.mean(), y ** 2, -y, y.sigmoid(), y.view(2, 1),
    y[0], y / 3, y.t(), torch.stack([y, y]), torch.cat([y, y]), x.clone(),
    x.relu(), torch.tensor([[1.5, 2.0], [3.0, 4.0]]), x.unsqueeze(0),
    y.softmax(0), torch.where(y > 0, y, x), y.double(), y.std(), torch.zeros(0, 3),
    torch.tensor(1 + 2j), torch.tensor([1 + 2j, 3.5 - 1j]),
    torch.tensor([1], dtype=torch.int32), torch.eye(3),
    torch.arange(60).reshape(2, 30), torch.zeros(2, 2, 2), torch.zeros(40, 2, 30),
    torch.tensor([0.0, 0.5]), torch.tensor([123456.0, 1.5]), torch.tensor(-0.0),
    torch.tensor([True, False]), torch.tensor([[0.125, -3.0], [100.0, 2.5]]),
):
    print(value)
print(x.shape, y.grad_fn.name(), f"{y.sum():.2f}", x.dim(), x.size(0), x.numel())
""",
    "modified": """
x = torch.tensor([1.0, 2.0], requires_grad=True)

def fails(y, z):
    try:
        z.sum().backward()
        print(x.grad)
    except RuntimeError as error:
        print(str(error).splitlines()[0].partition(" Hint")[0])

y = x.exp()
z = y * 1
y.add_(1)
fails(y, z)
y = x.sin()
z = y * y
y.add_(1)
fails(y, z)
y = x * 2
z = y * x
with torch.no_grad():
    x.add_(1)
fails(y, z)
y = x * 2
z = y + x
y.add_(1)
x.grad = None
fails(y, z)
y = x * 2
v = y[0]
z = y ** 2
v.add_(1)
fails(y, z)
y = x * 2
z = y ** 2
y.detach().add_(1)
fails(y, z)
""",
}
