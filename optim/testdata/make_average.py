"""Writes average.json: a small network's arrays after each of some training steps, and timm's ModelEmaV3 of them, called
as timm's train.py does.

usage: make_average.py OUT_FILE        (needs torch, timm)
"""
import json, sys
import timm
import torch
from timm.utils import ModelEmaV3

DECAY, STEPS = 0.8, 6
torch.manual_seed(3)
network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
average = ModelEmaV3(network, decay=DECAY)


def arrays(module):
    return {k: v.flatten().tolist() for k, v in module.state_dict().items() if v.is_floating_point()}


steps = []
for step in range(1, STEPS + 1):
    optimizer.zero_grad()
    (network(torch.randn(8, 4)) * torch.randn(8, 3)).sum().backward()
    optimizer.step()
    average.update(network, step=step)
    steps.append({"arrays": arrays(network), "averages": arrays(average.module)})
json.dump({"decay": DECAY, "timm": timm.__version__, "steps": steps}, open(sys.argv[1], "w"), indent=0)
