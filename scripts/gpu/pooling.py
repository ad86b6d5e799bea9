"""Compares PyTorch's gradient of average pools on a device with the CPU's, for images in both layouts, with and without padding.
autograd.Scope.AvgPool2d pads apart on GPUs, where a gradient was wrong (libtorch 2.11)."""
import sys

import torch

device, parts = torch.device(sys.argv[1]), []
for padding in (0, 1):
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        x, g = torch.randn(2, 3, 7, 5, dtype=torch.float64), None
        gradients = []
        for where in (torch.device("cpu"), device):
            leaf = x.clone().to(where).to(memory_format=layout).detach().requires_grad_()
            y = torch.nn.functional.avg_pool2d(leaf, 3, 2, padding)
            g = torch.randn(y.shape, dtype=torch.float64) if g is None else g
            y.backward(g.to(where))
            gradients.append(leaf.grad.cpu())
        difference = (gradients[1] - gradients[0]).norm() / gradients[0].norm()
        parts.append(f"{str(layout).removeprefix('torch.')}, padding {padding}: {difference:.1e}")
print("relative difference: " + "; ".join(parts))
