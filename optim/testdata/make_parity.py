"""Writes a folder of optimizer cases with PyTorch and timm themselves.

usage: make_parity.py OUT_DIR        (needs torch, timm, numpy, safetensors)

start.safetensors: parameters; gradients.safetensors: "STEP/NAME"; after_CASE.safetensors: "STEP/NAME" after each step;
cases.json: class and every setting of each case, and the learning rate of each step. float32. The gradients are given
because training itself is chaotic.
network.json: losses of a small network's first steps in float64, with its weights, images and labels.
"""
import json, os, sys
import numpy as np
import timm.optim
import torch
from safetensors.torch import save_file
from timm.models import efficientnet

SEED, WIDTH, RESOLUTION, BATCH = 3, 0.0625, 24, 4
out = sys.argv[1]
path = lambda name: os.path.join(out, name)

torch.manual_seed(SEED)
shapes = {"stem.weight": (8, 3, 3, 3), "dw.weight": (8, 1, 3, 3), "bn.weight": (8,), "bn.bias": (8,), "fc.weight": (5, 8), "fc.bias": (5,)}
rates = [0.02, 0.02, 0.05, 0.05, 0.05, 0.03, 0.03, 0.01, 0.01, 0.01, 0.005, 0.001]
steps, zero_step = len(rates), 5
start = {k: torch.randn(v) * 0.3 for k, v in shapes.items()}
grads = [{k: torch.randn(v) * (0 if s == zero_step else 0.5) for k, v in shapes.items()} for s in range(steps)]
save_file(start, path("start.safetensors"))
save_file({f"{s}/{k}": g for s in range(steps) for k, g in grads[s].items()}, path("gradients.safetensors"))

cases = {
    "sgd": ("torch.optim.SGD", {}),
    "sgd_momentum_wd": ("torch.optim.SGD", dict(momentum=0.9, weight_decay=4e-5)),
    "sgd_momentum_dampening": ("torch.optim.SGD", dict(momentum=0.9, dampening=0.5)),
    "sgd_nesterov_wd": ("torch.optim.SGD", dict(momentum=0.9, weight_decay=1e-2, nesterov=True)),
    "rmsprop": ("torch.optim.RMSprop", dict(alpha=0.9, eps=1e-3, momentum=0.9, weight_decay=4e-5)),
    "rmsprop_centered": ("torch.optim.RMSprop", dict(alpha=0.9, eps=1e-3, centered=True)),
    "rmsprop_tf": ("timm.optim.RMSpropTF", dict(alpha=0.9, eps=1.0, momentum=0.9, weight_decay=4e-5)),
    "rmsprop_tf_small_eps": ("timm.optim.RMSpropTF", dict(alpha=0.9, eps=0.001, momentum=0.9)),
    "rmsprop_tf_centered": ("timm.optim.RMSpropTF", dict(alpha=0.9, eps=0.1, centered=True)),
    "adamw": ("torch.optim.AdamW", dict(betas=(0.6, 0.995), eps=1e-8, weight_decay=0.05)),
    "adamw_no_decay": ("torch.optim.AdamW", dict(betas=(0.9, 0.999), eps=1e-3, weight_decay=0.0)),
}
for name, (cls, settings) in cases.items():
    ps = {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
    opt, after = eval(cls)(list(ps.values()), lr=rates[0], **settings), {}
    for s in range(steps):
        for group in opt.param_groups:
            group["lr"] = rates[s]
        for k, p in ps.items():
            p.grad = grads[s][k].clone()
        opt.step()
        after.update({f"{s}/{k}": p.detach().clone() for k, p in ps.items()})
    save_file(after, path(f"after_{name}.safetensors"))
json.dump({"learning_rates": rates, "cases": {n: {"class": c, **k} for n, (c, k) in cases.items()}, "torch": torch.__version__},
          open(path("cases.json"), "w"), indent=1)

rng = np.random.default_rng(SEED)
m = efficientnet._gen_mobilenet_v1("mobilenetv1_100", channel_multiplier=WIDTH, num_classes=10)
save_file(m.state_dict(), path("network.safetensors"))
m = m.double().train()
images = rng.standard_normal((3, BATCH, 3, RESOLUTION, RESOLUTION), dtype=np.float32)
labels = rng.integers(0, 10, (3, BATCH))
np.save(path("images.npy"), images)
np.save(path("labels.npy"), labels)
opt, losses = torch.optim.SGD(m.parameters(), 0.001, momentum=0.9), []
for x, y in zip(images, labels):
    opt.zero_grad()
    loss = torch.nn.functional.cross_entropy(m(torch.from_numpy(x).double()), torch.from_numpy(y), label_smoothing=0.1)
    loss.backward()
    opt.step()
    losses.append(loss.item())
json.dump({"losses_float64": losses, "sgd": {"lr": 0.001, "momentum": 0.9}, "label_smoothing": 0.1,
           "weights": "network.safetensors (timm names, relu6, eps 1e-5, symmetric padding)"}, open(path("network.json"), "w"), indent=1)
