"""Writes the reference cases of this folder with plain PyTorch, in float64.

usage: make_reference.py OUT_DIR        (needs torch, numpy, safetensors)

paper.safetensors and article.safetensors hold, for a small network in each
variant, the evaluation logits, and of one training step the loss, the gradient
of every parameter ("grad/NAME") and the running statistics after it
("after/NAME"). Weights and images are not stored: `values` gives them by a
formula that the test repeats (reference_test.go).
"""
import os, sys
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

WIDTH, CLASSES, BATCH, SMOOTHING = 0.1, 5, 6, 0.1
channels = lambda n: max(8, int(n * WIDTH))
STAGES = [[(64, 1)], [(128, 2), (128, 1)], [(256, 2), (256, 1)], [(512, 2)] + [(512, 1)] * 5, [(1024, 2), (1024, 1)]]


def values(name, shape, low, high):
    """Uniform in [low, high): splitmix64 over the FNV-1a hash of the name plus the index, rounded to float32."""
    seed = 0xCBF29CE484222325
    for b in name.encode():
        seed = (seed ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = (np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((low + (high - low) * u).astype(np.float32).astype(np.float64).reshape(shape))


class Network:
    def __init__(self, bias, same, eps, momentum):
        self.bias, self.same, self.eps, self.momentum = bias, same, eps, momentum
        self.parameters, self.buffers = {}, {}

    def parameter(self, name, shape, low, high):
        if name not in self.parameters:
            self.parameters[name] = values(name, shape, low, high).requires_grad_()
        return self.parameters[name]

    def buffer(self, name, shape, low, high):
        return self.buffers.setdefault(name, values(name, shape, low, high))

    def unit(self, x, conv, norm, out, kernel, stride, groups, training):
        fan = x.shape[1] // groups * kernel * kernel
        w = self.parameter(conv + ".weight", (out, x.shape[1] // groups, kernel, kernel), -(6 / fan) ** 0.5, (6 / fan) ** 0.5)
        b = self.parameter(conv + ".bias", (out,), -0.2, 0.2) if self.bias else None
        if kernel == 3:
            pads = []
            for size in (x.shape[3], x.shape[2]):
                total = max((-(-size // stride) - 1) * stride + 3 - size, 0) if self.same else 2
                pads += [total // 2, total - total // 2]
            x = F.pad(x, pads)
        x = F.conv2d(x, w, b, stride, 0, 1, groups)
        x = F.batch_norm(x, self.buffer(norm + ".running_mean", (out,), -0.2, 0.2), self.buffer(norm + ".running_var", (out,), 0.5, 2),
                         self.parameter(norm + ".weight", (out,), 0.5, 1.5), self.parameter(norm + ".bias", (out,), -0.3, 0.3),
                         training, self.momentum, self.eps)
        return F.relu(x)

    def __call__(self, x, training):
        x = self.unit(x, "conv_stem", "bn1", channels(32), 3, 2, 1, training)
        for s, stage in enumerate(STAGES):
            for b, (filters, stride) in enumerate(stage):
                name = f"blocks.{s}.{b}."
                x = self.unit(x, name + "conv_dw", name + "bn1", x.shape[1], 3, stride, x.shape[1], training)
                x = self.unit(x, name + "conv_pw", name + "bn2", channels(filters), 1, 1, 1, training)
        x = x.mean((2, 3))
        w = self.parameter("classifier.weight", (CLASSES, x.shape[1]), -0.2, 0.2)
        return F.linear(x, w, self.parameter("classifier.bias", (CLASSES,), -0.2, 0.2))


def write(path, resolution, **options):
    net = Network(**options)
    images = values("images", (BATCH, 3, resolution, resolution), -1.75, 1.75)
    labels = torch.arange(BATCH) * 3 % CLASSES
    out = {"logits": net(images, False).detach()}
    loss = F.cross_entropy(net(images, True), labels, label_smoothing=SMOOTHING)
    loss.backward()
    out["loss"] = loss.detach().reshape(1)
    out |= {"grad/" + k: p.grad for k, p in net.parameters.items()}
    out |= {"after/" + k: b for k, b in net.buffers.items()}
    save_file({k: v.numpy().astype(np.float32) for k, v in out.items()}, path)


if __name__ == "__main__":
    folder = sys.argv[1]
    write(os.path.join(folder, "paper.safetensors"), 32, bias=False, same=False, eps=1e-5, momentum=0.1)
    write(os.path.join(folder, "article.safetensors"), 35, bias=True, same=True, eps=1e-3, momentum=0.01)
