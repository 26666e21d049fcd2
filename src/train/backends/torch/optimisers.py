"""The seven optimisers on flat tensors, with Keras' formulas: see optimisers.ts and its kernel."""
import torch

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
A, B = 1 - BETA_1, 1 - BETA_2
RHO_RMSPROP, RHO_ADADELTA = 0.9, 0.95


def factors(name, rate, step, momentum):
    """What depends on the step alone, and Nadam's product of schedules after it; in float64.

    step: number of this step, from 1 on
    """
    if name == "Adam":
        return [rate * (1 - BETA_2**step) ** 0.5 / (1 - BETA_1**step)], momentum
    if name == "Adamax":
        return [rate / (1 - BETA_1**step)], momentum
    if name != "Nadam":
        return [rate], momentum
    now, after = (BETA_1 * (1 - 0.5 * 0.96**s) for s in (step, step + 1))
    product = momentum * now
    of_mean, of_gradient = after / (1 - product * after), (1 - now) / (1 - product)
    return [rate, of_mean, of_gradient, 1 / (1 - BETA_2**step)], product


def optimise(name, factor, w, g, m=None, v=None):
    """One step, in place. factor: `factors` as a tensor, for a CUDA graph may hold no number."""
    rate = factor[0]
    if name == "SGD":
        w.sub_(g * rate)
    elif name == "Adam":
        m.lerp_(g, A)
        v.lerp_(g * g, B)
        w.sub_((m * rate).div_(v.sqrt().add_(EPSILON)))
    elif name == "RMSprop":
        m.mul_(RHO_RMSPROP).addcmul_(g, g, value=1 - RHO_RMSPROP)
        w.sub_((g * rate).div_((m + EPSILON).sqrt_()))
    elif name == "Adagrad":
        m.addcmul_(g, g)
        w.sub_((g * rate).div_((m + EPSILON).sqrt_()))
    elif name == "Adadelta":
        m.mul_(RHO_ADADELTA).addcmul_(g, g, value=1 - RHO_ADADELTA)
        delta = (v + EPSILON).sqrt_().mul_(g).div_((m + EPSILON).sqrt_())
        v.mul_(RHO_ADADELTA).addcmul_(delta, delta, value=1 - RHO_ADADELTA)
        w.sub_(delta.mul_(rate))
    elif name == "Adamax":
        m.lerp_(g, A)
        torch.maximum(v.mul_(BETA_2), g.abs(), out=v)
        w.sub_((m * rate).div_(v + EPSILON))
    elif name == "Nadam":
        m.lerp_(g, A)
        v.lerp_(g * g, B)
        mean = (m * factor[1]).add_(g * factor[2]).mul_(rate)
        w.sub_(mean.div_((v * factor[3]).sqrt_().add_(EPSILON)))
    else:
        raise ValueError(f"no optimiser {name}")
