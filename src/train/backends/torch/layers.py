"""Dense layers, forward and backward written out: products go straight into the flat gradient."""
import torch


class Layer:
    """Dense, activation, dropout. Kernels and biases are views into a flat tensor."""

    def __init__(self, plan, place):
        self.inputs, self.units, self.activation = plan["inputs"], plan["units"], plan["activation"]
        self.kernel_at, self.bias_at = plan["kernel"], plan["bias"]
        self.dropout, self.place, self.part = plan["dropout"], place, plan["part"]
        self.mask = None  # where its mask begins in those of a step

    def views(self, flat):
        kernel = flat[self.kernel_at : self.kernel_at + self.inputs * self.units]
        return kernel.view(self.inputs, self.units), flat[self.bias_at : self.bias_at + self.units]

    def bind(self, weights, slopes):
        self.kernel, self.bias = self.views(weights)
        self.kernel_slope, self.bias_slope = self.views(slopes)

    def activate(self, z):
        return z if self.activation == "linear" else getattr(z, self.activation + "_")()

    def forward(self, x, masks):
        """What leaves the layer, and what `backward` needs."""
        active = self.activate(torch.addmm(self.bias, x, self.kernel))
        if self.mask is None:
            return active, (x, active, None)
        mask = masks[self.mask : self.mask + active.numel()].view_as(active)
        # the slope of relu can be told from what dropout lets through
        out = active.mul_(mask) if self.activation == "relu" else active.clone().mul_(mask)
        return out, (x, active, mask)

    def backward(self, slope, trail, wanted):
        """Gradients to their places; the slope by the input is returned if it is wanted."""
        x, active, mask = trail
        if mask is not None:
            slope.mul_(mask)
        if self.activation == "relu":
            slope = torch.ops.aten.threshold_backward(slope, active, 0)
        elif self.activation != "linear":
            slope = getattr(torch.ops.aten, self.activation + "_backward")(slope, active)
        torch.mm(x.t(), slope, out=self.kernel_slope)
        torch.sum(slope, 0, out=self.bias_slope)
        return torch.mm(slope, self.kernel.t()) if wanted else None

    def infer(self, x, weights):
        kernel, bias = self.views(weights)
        return self.activate(torch.addmm(bias, x, kernel))


def forward(layers, x, masks):
    trails = []
    for layer in layers:
        x, trail = layer.forward(x, masks)
        trails.append(trail)
    return x, trails


def backward(layers, slope, trails, wanted):
    """wanted: whether the slope by the input of the first layer is"""
    for i in reversed(range(len(layers))):
        slope = layers[i].backward(slope, trails[i], wanted or i > 0)
    return slope
