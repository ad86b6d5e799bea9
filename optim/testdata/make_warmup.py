"""Writes warmup.json: weight averages of a small network's arrays after each training step, with the decay warmed up by
timm's ModelEmaV3 and by torchvision's reference training, and the equal average of torch.optim.swa_utils.

usage: make_warmup.py OUT_FILE        (needs torch, timm)
"""
import json, sys
import timm
import torch
from timm.utils import ModelEmaV3
from torch.optim.swa_utils import AveragedModel

STEPS, PER_EPOCH = 14, 5


def arrays(module):
    return {k: [float(f"{x:.9g}") for x in v.flatten().tolist()] for k, v in module.state_dict().items() if v.is_floating_point()}


def train(observe):
    """Trains for STEPS steps and calls observe(step from 1, network)."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    steps = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        (network(torch.randn(8, 4)) * torch.randn(8, 3)).sum().backward()
        optimizer.step()
        average = observe(step, network)
        steps.append({"arrays": arrays(network), "averages": arrays(average)})
    return steps


def from_timm(decay):
    average = None

    def observe(step, network):
        nonlocal average
        if average is None:
            average = ModelEmaV3(network, decay=decay, use_warmup=True)
        average.update(network, step=step)
        return average.module
    return {"name": f"timm {decay}", "decay": decay, "warmup": "timm", "every": 1, "steps": train(observe)}


def from_torchvision(decay, batch, every, epochs, warmup_epochs):
    """The lines of references/classification/train.py and utils.ExponentialMovingAverage, on one GPU."""
    average = None
    adjust = 1 * batch * every / epochs
    alpha = min(1.0, (1.0 - decay) * adjust)

    def observe(step, network):
        nonlocal average
        if average is None:
            average = AveragedModel(network, avg_fn=lambda a, m, n: (1 - alpha) * a + (1 - (1 - alpha)) * m, use_buffers=True)
        epoch, i = divmod(step - 1, PER_EPOCH)
        if i % every == 0:
            average.update_parameters(network)
            if epoch < warmup_epochs:
                average.n_averaged.fill_(0)
        return average.module
    return {"name": f"torchvision {decay}, batch {batch}, every {every}, epochs {epochs}, warmup {warmup_epochs}", "decay": decay, "warmup": "torchvision",
            "batch": batch, "every": every, "epochs": epochs, "warmup_epochs": warmup_epochs, "steps": train(observe)}


def equal():
    average = None

    def observe(step, network):
        nonlocal average
        if average is None:
            average = AveragedModel(network, use_buffers=True)
        average.update_parameters(network)
        return average.module
    return {"name": "equal", "warmup": "equal", "every": 1, "steps": train(observe)}


cases = [from_timm(0.9999), from_timm(0.6), from_torchvision(0.99998, 128, 2, 3, 0), from_torchvision(0.99, 32, 3, 3, 1),
         from_torchvision(0.9, 32, 2, 3, 0), equal()]
json.dump({"timm": timm.__version__, "torch": torch.__version__, "steps_per_epoch": PER_EPOCH, "cases": cases}, open(sys.argv[1], "w"), separators=(",", ":"))
