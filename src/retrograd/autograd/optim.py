"""Optimizers that change parameters by what `backward` accumulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from retrograd.autograd import modes
from retrograd.autograd.creation import zeros_like
from retrograd.autograd.tensors import Tensor


class Optimizer:
    """Keeps parameters, in groups with settings of their own, and a state for each.

    Args:
      params: leaves that require grad; or dicts, each of `params` and of settings that
        differ from the defaults.
      defaults: the settings.

    Attributes:
      param_groups: the groups; a program may change their settings.

    Raises:
      ValueError: there are no parameters.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of "
                "Tensors or dicts, but got torch.FloatTensor"
            )
        given = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        self.defaults = defaults
        self.param_groups = [self._group(group) for group in groups]
        self._states: dict[Tensor, dict[str, Any]] = {}

    def _group(self, group: dict[str, Any]) -> dict[str, Any]:
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for param in params:
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        return {**self.defaults, **group, "params": params}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget what was accumulated; or set it to zero."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad.detach_().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient.

        Args:
          closure: computes the loss and its gradients anew.

        Returns:
          What `closure` returns.
        """
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        with modes.no_grad():
            for group in self.param_groups:
                for param in group["params"]:
                    if param.grad is not None:
                        state = self._states.setdefault(param, {})
                        self._update(param, self._direction(param, group), state, group)
        return loss

    def _direction(self, param: Any, group: dict[str, Any]) -> Any:
        """The gradient, with that of the weight decay."""
        decay = group["weight_decay"]
        return param.grad.add(param, alpha=decay) if decay else param.grad

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        raise NotImplementedError


def _check(name: str, value: float, valid: bool) -> None:
    if not valid:
        raise ValueError(f"Invalid {name}: {value}")


class SGD(Optimizer):
    """w ← w − lr · v, with v ← momentum · v + (1 − dampening) · gradient.

    Args:
      params: see `Optimizer`.
      lr: the learning rate.
      momentum: how much of the velocity stays.
      dampening: how much of the gradient does not enter it.
      weight_decay: this times w is added to the gradient.
      nesterov: whether gradient + momentum · v is used in place of v.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ) -> None:
        _check("learning rate", lr, lr >= 0)
        _check("momentum value", momentum, momentum >= 0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
            },
        )

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        momentum = group["momentum"]
        if momentum:
            if "velocity" in state:
                state["velocity"].mul_(momentum).add_(
                    grad, alpha=1 - group["dampening"]
                )
            else:
                state["velocity"] = grad.clone()
            velocity = state["velocity"]
            grad = grad.add(velocity, alpha=momentum) if group["nesterov"] else velocity
        param.add_(grad, alpha=-group["lr"])


class Adam(Optimizer):
    """w ← w − lr · m / (√v + eps), m and v being corrected means of g and g².

    Args:
      params: see `Optimizer`.
      lr: the learning rate.
      betas: how much of m and of v stays.
      eps: added to the root; PyTorch adds it after the correction, TensorFlow before.
      weight_decay: this times w is added to the gradient.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        _check("learning rate", lr, lr >= 0)
        _check("epsilon value", eps, eps >= 0)
        for index, beta in enumerate(betas):
            _check(f"beta parameter at index {index}", beta, 0 <= beta < 1)
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state.update(step=0, mean=zeros_like(param), square=zeros_like(param))
        state["step"] += 1
        first, second = group["betas"]
        mean, square = state["mean"], state["square"]
        mean.mul_(first).add_(grad, alpha=1 - first)
        square.mul_(second).add_(grad * grad, alpha=1 - second)
        step = state["step"]
        root = square.sqrt().div_((1 - second**step) ** 0.5).add_(group["eps"])
        param.sub_(mean / root, alpha=group["lr"] / (1 - first**step))
