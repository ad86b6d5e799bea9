"""Writes onecycle.json: the learning rates of PyTorch's OneCycleLR for runs of several lengths.

usage: make_onecycle.py OUT_FILE        (needs torch)
"""
import json, sys
import torch

runs = {}
for total in (1, 2, 3, 4, 10, 37):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total, cycle_momentum=False)
    rates = []
    for _ in range(total):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        if len(rates) < total:
            schedule.step()
    runs[total] = rates
json.dump({"max_lr": 0.1, "torch": torch.__version__, "learning_rates": runs}, open(sys.argv[1], "w"), indent=0)
