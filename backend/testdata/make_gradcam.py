"""Writes gradcam.json: Grad-CAM maps of small networks by plain PyTorch, in float64.

usage: make_gradcam.py          (needs torch, numpy, safetensors; writes beside itself)

"paper" is the network of make_reference.py, whose head is one linear layer; "two linear layers" and "flattened" are
written out below. Weights and images follow from a formula, see make_reference.py.
"""
import json, os
import torch
import torch.nn.functional as F
from make_reference import BATCH, CLASSES, Network, values

HERE = os.path.dirname(os.path.abspath(__file__))


def grad_cam(features, head, classes):
    features = features.detach().requires_grad_()
    logits = head(features)
    gradients, = torch.autograd.grad(logits[torch.arange(len(classes)), classes].sum(), features)
    weights = gradients.mean((2, 3), keepdim=True)
    return F.relu((weights * features).sum(1))


def paper(images, classes):
    net, kept = Network(bias=False, same=False, eps=1e-5, momentum=0.1), []
    unit = net.unit

    def recorded(*args):
        kept.append(unit(*args))
        return kept[-1]

    net.unit = recorded
    net(images, False)
    w, b = net.parameters["classifier.weight"], net.parameters["classifier.bias"]
    return grad_cam(kept[-1], lambda x: F.linear(x.mean((2, 3)), w, b), classes)


def weight(name, *shape):
    bound = (6 / (shape[1] * shape[2] * shape[3])) ** 0.5 if len(shape) == 4 else 0.2
    return values(name, shape, -bound, bound)


def stem(images):
    return F.relu(F.conv2d(images, weight("conv.weight", 8, 3, 3, 3), None, 4, 1))


def two(images, classes):
    def head(x):
        x = F.relu(F.linear(x.mean((2, 3)), weight("hidden.weight", 6, 8), weight("hidden.bias", 6)))
        return F.linear(x, weight("classifier.weight", CLASSES, 6), weight("classifier.bias", CLASSES))

    return grad_cam(stem(images), head, classes)


def flattened(images, classes):
    def head(x):
        x = F.max_pool2d(x, 2, 2).flatten(1)
        return F.linear(x, weight("classifier.weight", CLASSES, x.shape[1]), weight("classifier.bias", CLASSES))

    return grad_cam(stem(images), head, classes)


if __name__ == "__main__":
    out = {}
    for name, maps, side in (("paper", paper, 64), ("two linear layers", two, 32), ("flattened", flattened, 32)):
        images = values("images", (BATCH, 3, side, side), 0, 1)
        images = (images * 255).round()  # as bytes, 0 to 255
        classes = torch.arange(BATCH) * 3 % CLASSES
        m = maps(images / 255 * 4 - 2, classes)
        out[name] = {"shape": list(m.shape), "maps": [float(f"{v:.9g}") for v in m.flatten().tolist()]}
    with open(os.path.join(HERE, "gradcam.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")
