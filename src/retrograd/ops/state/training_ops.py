"""The update rules of the optimizers.

The formulas, down to where epsilon stands, are those of TensorFlow 1.15.

`x = a * b; x += c` changes the rule's own array in place on NumPy, and makes a new one
when it is compiled: an input is never touched, and two arrays pass through the memory
instead of three. For the same reason w − d is the sum of w and a d that was made
negative by its last factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.arguments import refused
from retrograd.ops.state.update_forms import update_rule

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


@update_rule("GradientDescent", "w ← w − α g")
def gradient_descent(xp: Arrays, var: Array, alpha: Array, delta: Array) -> Array:
    """Against the gradient."""
    step = delta * -alpha
    step += var
    return step


@update_rule("Momentum", "a ← μ a + g;  w ← w − η a")
def momentum(
    xp: Arrays,
    var: Array,
    accum: Array,
    lr: Array,
    grad: Array,
    momentum: Array,
    *,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    """Along a decaying sum of gradients; with Nesterov's look ahead, past its end."""
    accum = accum * momentum
    accum += grad
    if use_nesterov:
        step = accum * momentum
        step += grad
        step *= -lr
    else:
        step = accum * -lr
    step += var
    return step, accum


@update_rule("KerasMomentum", "a ← μ a − η g;  w ← w + a")
def keras_momentum(
    xp: Arrays,
    var: Array,
    accum: Array,
    lr: Array,
    grad: Array,
    momentum: Array,
    *,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    """Momentum with the learning rate inside the sum."""
    step = grad * lr
    accum = accum * momentum
    accum -= step
    if not use_nesterov:
        return var + accum, accum
    ahead = accum * momentum
    ahead -= step
    return var + ahead, accum


def _toward(mean: Array, value: Array, weight: Array) -> Array:
    """A moving average: mean + (value − mean) · weight, in the place of `value`."""
    value -= mean
    value *= weight
    value += mean
    return value


def _unbiased(xp: Arrays, lr: Array, beta1_power: Array, beta2_power: Array) -> Array:
    """Adam's learning rate with the bias of both averages taken out."""
    return lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)


def _stepped(
    xp: Arrays, var: Array, m: Array, v: Array, alpha: Array, epsilon: Array
) -> Array:
    """w − α m / (√v + ε)."""
    below = xp.sqrt(v)
    below += epsilon
    step = m * -alpha
    step /= below
    step += var
    return step


@update_rule(
    "Adam",
    "m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  "
    "w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)",
)
def adam(
    xp: Arrays,
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
    *,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    """Kingma & Ba 2015, in the form before their section 2.1: ε is not scaled."""
    alpha = _unbiased(xp, lr, beta1_power, beta2_power)
    m = _toward(m, xp.positive(grad), 1 - beta1)
    v = _toward(v, grad * grad, 1 - beta2)
    ahead = grad * (1 - beta1) + beta1 * m if use_nesterov else m
    return _stepped(xp, var, ahead, v, alpha, epsilon), m, v


@update_rule(
    "AdamWithAmsgrad",
    "m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  v̂ ← max(v̂, v);  "
    "w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v̂ + ε)",
)
def adam_with_amsgrad(
    xp: Arrays,
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """Adam whose step size never grows (Reddi et al. 2018)."""
    alpha = _unbiased(xp, lr, beta1_power, beta2_power)
    m = _toward(m, xp.positive(grad), 1 - beta1)
    v = _toward(v, grad * grad, 1 - beta2)
    vhat = xp.maximum(vhat, v)
    return _stepped(xp, var, m, vhat, alpha, epsilon), m, v, vhat


@update_rule(
    "AdaMax",
    "m ← β₁ m + (1 − β₁) g;  v ← max(β₂ v, |g|);  w ← w − η / (1 − β₁ᵗ) · m / (v + ε)",
)
def ada_max(
    xp: Arrays,
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """Adam with the largest gradient in place of the mean square (section 7.1)."""
    m = _toward(m, xp.positive(grad), 1 - beta1)
    v = xp.maximum(beta2 * v, xp.abs(grad))
    step = m / (v + epsilon)
    step *= -lr / (1 - beta1_power)
    step += var
    return step, m, v


def _with_square(accum: Array, grad: Array) -> Array:
    """accum + g²."""
    total = grad * grad
    total += accum
    return total


@update_rule("Adagrad", "a ← a + g²;  w ← w − η g / √a")
def adagrad(
    xp: Arrays, var: Array, accum: Array, lr: Array, grad: Array, *, update_slots: bool
) -> tuple[Array, ...]:
    """Steps shrink with the sum of squared gradients (Duchi et al. 2011)."""
    if update_slots:
        accum = _with_square(accum, grad)
    step = grad * -lr
    step /= xp.sqrt(accum)
    step += var
    return step, accum


@update_rule("AdagradV2", "a ← a + g²;  w ← w − η g / (√a + ε)")
def adagrad_v2(
    xp: Arrays,
    var: Array,
    accum: Array,
    lr: Array,
    epsilon: Array,
    grad: Array,
    *,
    update_slots: bool,
) -> tuple[Array, ...]:
    """Adagrad with an epsilon."""
    if update_slots:
        accum = _with_square(accum, grad)
    return _stepped(xp, var, grad, accum, lr, epsilon), accum


@update_rule(
    "AdagradDA",
    "s ← s + g;  q ← q + g²;  w ← −sign(s) η max(|s| − λ₁ t, 0) / (λ₂ t η + √q)",
)
def adagrad_da(
    xp: Arrays,
    var: Array,
    gradient_accumulator: Array,
    gradient_squared_accumulator: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    global_step: Array,
) -> tuple[Array, ...]:
    """Dual averaging: the variable follows from the sums alone."""
    total = gradient_accumulator + grad
    squares = _with_square(gradient_squared_accumulator, grad)
    step = xp.cast(global_step, total.dtype)
    below = xp.sqrt(squares)
    below += l2 * (step * lr)
    return _shrunk(xp, total, step * l1) * -lr / below, total, squares


def _shrunk(xp: Arrays, x: Array, threshold: Array) -> Array:
    """sign(x) · max(|x| − threshold, 0); x where the threshold is not positive."""
    size = xp.abs(x)
    size -= xp.maximum(threshold, 0)
    return xp.sign(x) * xp.maximum(size, 0)


@update_rule(
    "ProximalGradientDescent", "u = w − α g;  w ← shrink(u, α λ₁) / (1 + α λ₂)"
)
def proximal_gradient_descent(
    xp: Arrays, var: Array, alpha: Array, l1: Array, l2: Array, delta: Array
) -> Array:
    """Forward–backward splitting (Duchi & Singer 2009)."""
    moved = delta * -alpha
    moved += var
    return _shrunk(xp, moved, alpha * l1) / (1 + l2 * alpha)


def _require(xp: Arrays, holds: Array, text: str) -> None:
    """Refuse a hyperparameter unless it `holds`."""
    xp.check(holds, lambda: refused(f"{text} scalar: []"))


def _require_rates(xp: Arrays, lr: Array, l1: Array, l2: Array) -> None:
    """Refuse rates and strengths of regularizers that no step can be made with."""
    strength = "{} regularization strength is not a non-negative"
    _require(xp, lr > 0, "lr is not a positive")
    _require(xp, l1 >= 0, strength.format("l1"))
    _require(xp, l2 >= 0, strength.format("l2"))


@update_rule(
    "ProximalAdagrad",
    "a ← a + g²;  α = η / √a;  u = w − α g;  w ← shrink(u, α λ₁) / (1 + α λ₂)",
)
def proximal_adagrad(
    xp: Arrays, var: Array, accum: Array, lr: Array, l1: Array, l2: Array, grad: Array
) -> tuple[Array, ...]:
    """Forward–backward splitting with Adagrad's step sizes."""
    _require_rates(xp, lr, l1, l2)
    accum = _with_square(accum, grad)
    alpha = lr / xp.sqrt(accum)
    moved = grad * -alpha
    moved += var
    return _shrunk(xp, moved, alpha * l1) / (1 + l2 * alpha), accum


def _along(
    xp: Arrays, var: Array, mom: Array, momentum: Array, step: Array, square: Array
) -> tuple[Array, Array]:
    """d = μ d + step / √square, and w − d; `step` is changed."""
    step /= xp.sqrt(square)
    mom = mom * momentum
    mom += step
    moved = -mom
    moved += var
    return moved, mom


@update_rule(
    "RMSProp",
    "q ← ρ q + (1 − ρ) g²;  d ← μ d + η g / √(q + ε);  w ← w − d",
)
def rms_prop(
    xp: Arrays,
    var: Array,
    ms: Array,
    mom: Array,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """Steps by the decaying mean square of gradients; ε stands under the root."""
    ms = _toward(ms, grad * grad, 1 - rho)
    moved, mom = _along(xp, var, mom, momentum, grad * lr, ms + epsilon)
    return moved, ms, mom


@update_rule(
    "CenteredRMSProp",
    "q ← ρ q + (1 − ρ) g²;  b ← ρ b + (1 − ρ) g;  "
    "d ← μ d + η g / √(q − b² + ε);  w ← w − d",
)
def centered_rms_prop(
    xp: Arrays,
    var: Array,
    mg: Array,
    ms: Array,
    mom: Array,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """RMSProp by the variance of gradients."""
    ms = _toward(ms, grad * grad, 1 - rho)
    mg = _toward(mg, xp.positive(grad), 1 - rho)
    below = ms - mg * mg
    below += epsilon
    moved, mom = _along(xp, var, mom, momentum, grad * lr, below)
    return moved, mg, ms, mom


def _decayed(mean: Array, rho: Array, value: Array) -> Array:
    """ρ mean + (1 − ρ) value, in the place of `value`."""
    mean = mean * rho
    value *= 1 - rho
    mean += value
    return mean


@update_rule(
    "Adadelta",
    "a ← ρ a + (1 − ρ) g²;  d = √(u + ε) / √(a + ε) · g;  w ← w − η d;  "
    "u ← ρ u + (1 − ρ) d²",
)
def adadelta(
    xp: Arrays,
    var: Array,
    accum: Array,
    accum_update: Array,
    lr: Array,
    rho: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """Steps of the size of past steps (Zeiler 2012)."""
    accum = _decayed(accum, rho, grad * grad)
    step = xp.sqrt(accum_update + epsilon)
    step /= xp.sqrt(accum + epsilon)
    step *= grad
    accum_update = _decayed(accum_update, rho, step * step)
    step *= -lr
    step += var
    return step, accum, accum_update


def _ftrl(
    xp: Arrays,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    shifted: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    """FTRL; `shifted` is the gradient that the linear term gathers."""
    _require_rates(xp, lr, l1, l2)
    _require(xp, lr_power <= 0, "lr_power is not a non-positive")
    exponent = -lr_power

    def root(x: Array) -> Array:
        if isinstance(lr_power, (np.ndarray, np.generic)) and lr_power == -0.5:
            return xp.sqrt(x)
        return xp.power(x, exponent)

    squares = _with_square(accum, grad)
    size = root(squares)
    linear = linear + (shifted - (size - root(accum)) / lr * var)
    below = size / lr + 2 * l2
    moved = (l1 * xp.sign(linear) - linear) / below
    return xp.where(xp.abs(linear) > l1, moved, xp.zeros_like(moved)), squares, linear


@update_rule(
    "Ftrl",
    "a′ = a + g²;  z ← z + g − (a′⁻ᵖ − a⁻ᵖ) / η · w;  "
    "w ← (λ₁ sign z − z) / (a′⁻ᵖ / η + 2 λ₂) where |z| > λ₁, else 0;  a ← a′",
)
def ftrl(
    xp: Arrays,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    """Follow the regularized leader (McMahan et al. 2013); p is `lr_power`."""
    return _ftrl(xp, var, accum, linear, grad, grad, lr, l1, l2, lr_power)


@update_rule(
    "FtrlV2",
    "a′ = a + g²;  z ← z + g + 2 λₛ w − (a′⁻ᵖ − a⁻ᵖ) / η · w;  "
    "w ← (λ₁ sign z − z) / (a′⁻ᵖ / η + 2 λ₂) where |z| > λ₁, else 0;  a ← a′",
)
def ftrl_v2(
    xp: Arrays,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    l2_shrinkage: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    """FTRL with a shrinkage λₛ in the loss, which the accumulator does not see."""
    text = "l2 shrinkage regularization strength is not a non-negative"
    _require(xp, l2_shrinkage >= 0, text)
    shifted = grad + 2 * l2_shrinkage * var
    return _ftrl(xp, var, accum, linear, grad, shifted, lr, l1, l2, lr_power)


def _scaled(var: Array, scale: Array, grad: Array, lr: Array) -> Array:
    """w − η scale g; `scale` is changed."""
    scale *= -lr
    scale *= grad
    scale += var
    return scale


@update_rule("AddSign", "m ← β m + (1 − β) g;  w ← w − η (α + δ sign g sign m) g")
def add_sign(
    xp: Arrays,
    var: Array,
    m: Array,
    lr: Array,
    alpha: Array,
    sign_decay: Array,
    beta: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """Larger steps where gradient and momentum agree (Bello et al. 2017)."""
    m = _decayed(m, beta, xp.positive(grad))
    agree = xp.sign(grad) * xp.sign(m)
    agree *= sign_decay
    agree += alpha
    return _scaled(var, agree, grad, lr), m


@update_rule(
    "PowerSign", "m ← β m + (1 − β) g;  w ← w − η exp(ln b · δ sign g sign m) g"
)
def power_sign(
    xp: Arrays,
    var: Array,
    m: Array,
    lr: Array,
    logbase: Array,
    sign_decay: Array,
    beta: Array,
    grad: Array,
) -> tuple[Array, ...]:
    """As AddSign, with a power of the agreement."""
    m = _decayed(m, beta, xp.positive(grad))
    agree = xp.sign(grad) * xp.sign(m)
    agree *= logbase * sign_decay
    return _scaled(var, xp.exp(agree), grad, lr), m
