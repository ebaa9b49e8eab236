"""The workloads in PyTorch, eager.

PYTHON torch_programs.py torch WORKLOAD SECONDS
"""

import itertools
import json
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as f

clock = time.perf_counter
torch.manual_seed(0)


def data(*shape):
    return torch.from_numpy(
        np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    )


def classes(n):
    return torch.from_numpy(np.random.RandomState(1).randint(0, 10, n))


def first_program():
    w, x = nn.Parameter(torch.tensor([2.0, 3.0])), torch.tensor([-1.0, -2.0])

    def loss():
        y = w * x
        return (y[1] * y * 1e-3).sum()

    return loss, torch.optim.SGD([w], 1e-3)


def trained(model, x, y, optimizer):
    return (lambda: f.cross_entropy(model(x), y)), optimizer(model.parameters())


def adam(rate):
    return lambda p: torch.optim.Adam(p, rate)


def mlp():
    model = nn.Sequential(
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    return trained(model, data(64, 784), classes(64), adam(1e-3))


def logistic():
    return trained(
        nn.Linear(784, 10),
        data(100, 784),
        classes(100),
        lambda p: torch.optim.SGD(p, 0.01),
    )


def chain(n):
    def build():
        x = torch.tensor(0.5, requires_grad=True)

        def loss():
            h = x
            for _ in range(n // 2):
                h = h * h + 0.001
            return h

        return loss, None

    return build


def many_variables():
    vs = [nn.Parameter(torch.ones(10)) for _ in range(400)]
    return (lambda: sum((v * v).sum() for v in vs)), torch.optim.SGD(vs, 1e-3)


def lenet():
    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(3136, 1024),
        nn.ReLU(),
        nn.Linear(1024, 10),
    )
    return trained(model, data(64, 1, 28, 28), classes(64), adam(1e-4))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.n1, self.n2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        h = self.n1(x)
        n, t, w = x.shape
        q, k, v = (
            m(h).view(n, t, self.heads, -1).transpose(1, 2)
            for m in (self.q, self.k, self.v)
        )
        mixed = f.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, w)
        x = x + self.o(mixed)
        h = self.up(self.n2(x))
        return x + self.down(h * torch.sigmoid(1.702 * h))


def transformer(batch=8, length=128, width=256, heads=4):
    table = nn.Embedding(1000, width)
    blocks = nn.Sequential(
        *[Block(width, heads) for _ in range(4)], nn.LayerNorm(width)
    )
    ids = torch.from_numpy(np.random.RandomState(2).randint(0, 1000, [batch, length]))
    parameters = [*table.parameters(), *blocks.parameters()]

    def loss():
        logits = blocks(table(ids)) @ table.weight.T
        return f.cross_entropy(logits.view(-1, 1000), ids.view(-1))

    return loss, torch.optim.Adam(parameters, 1e-4)


def second_derivatives():
    sizes = [2] + [20] * 8
    layers = [
        m for a, b in itertools.pairwise(sizes) for m in (nn.Linear(a, b), nn.Tanh())
    ]
    model = nn.Sequential(*layers, nn.Linear(20, 1))
    x, t = (data(5000, 1).requires_grad_() for _ in range(2))

    def loss():
        u = model(torch.cat([x, t], 1))
        one = torch.ones_like(u)
        u_x, u_t = torch.autograd.grad(u, [x, t], one, create_graph=True)
        (u_xx,) = torch.autograd.grad(u_x, x, one, create_graph=True)
        return ((u_t + u * u_x - 0.003 * u_xx) ** 2).mean()

    return loss, torch.optim.Adam(model.parameters(), 1e-3)


WORK = dict(
    first_program=first_program,
    mlp=mlp,
    logistic=logistic,
    chain_1k=chain(1000),
    chain_5k=chain(5000),
    many_variables=many_variables,
    lenet=lenet,
    transformer=transformer,
    second_derivatives=second_derivatives,
)


def main():
    name, seconds = sys.argv[2], float(sys.argv[3])
    if name not in WORK:
        print(json.dumps({}))
        return
    started = clock()
    loss, optimizer = WORK[name]()
    built = clock() - started

    def once():
        if optimizer is not None:
            optimizer.zero_grad()
        loss().backward()
        if optimizer is not None:
            optimizer.step()

    started = clock()
    once()
    first = clock() - started
    times, cpu, end = [], time.process_time(), clock() + seconds
    while clock() < end or len(times) < 3:
        started = clock()
        once()
        times.append(clock() - started)
    cpu = (time.process_time() - cpu) / len(times)
    print(
        json.dumps(
            dict(
                build=built,
                gradients=0.0,
                first=first,
                step=sorted(times)[len(times) // 2],
                mean=sum(times) / len(times),
                cpu=cpu,
                runs=len(times),
                memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            )
        )
    )


main()
