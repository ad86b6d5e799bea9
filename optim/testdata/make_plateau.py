"""Writes plateau.json: the learning rates of PyTorch's ReduceLROnPlateau after each of some values.

usage: make_plateau.py OUT_FILE        (needs torch)
"""
import json, random, sys
import torch

random.seed(5)
noisy = [1 / (1 + 0.3 * i) + 0.2 * random.random() for i in range(40)]
flat = [0.5] * 20
cases = []
for name, values, options in [
    ("default, noisy loss", noisy, {}),
    ("flat loss", flat, {"patience": 3}),
    ("patience 0", noisy, {"patience": 0, "factor": 0.5}),
    ("cooldown", flat, {"patience": 1, "cooldown": 2, "factor": 0.5}),
    ("minimum", flat, {"patience": 0, "min_lr": 0.02}),
    ("threshold", noisy, {"patience": 2, "threshold": 0.2}),
    ("accuracy", [1 - v for v in noisy], {"patience": 2, "mode": "max", "threshold": 0.01}),
    ("accuracy with cooldown", [1 - v for v in noisy], {"patience": 1, "mode": "max", "cooldown": 3, "factor": 0.3, "min_lr": 1e-4}),
    ("accuracy of 0", [0.0] * 5 + [0.1] * 5, {"patience": 1, "mode": "max"}),
    ("to nothing", flat, {"patience": 0, "factor": 0.01}),
]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for value in values:
        schedule.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    o = {"factor": 0.1, "patience": 10, "threshold": 1e-4, "cooldown": 0, "min_lr": 0, "mode": "min", **options}
    cases.append({"name": name, "options": o, "values": values, "rates": rates})
json.dump({"torch": torch.__version__, "lr": 0.1, "cases": cases}, open(sys.argv[1], "w"), separators=(",", ":"))
