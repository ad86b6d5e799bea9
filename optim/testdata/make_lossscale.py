"""Writes lossscale.json: scales, growth counts and parameters of steps with PyTorch's GradScaler, of which some have gradients
that are infinite or NaN.

usage: make_lossscale.py OUT_FILE        (needs torch)
"""
import json, sys
import torch

INTERVAL = 3  # growth_interval
# What the gradients of each step are: f finite, i infinite, n NaN.
PATTERNS = {"finite": "ffffffffff", "first": "iiffffffff", "between": "ffiffffnff", "before growth": "ffiffiffff", "many": "iiniiniiii"}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd, momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "sgd, dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9, weight_decay=0.01),
}


# Six numbers; the test computes the same ones.
def gradients(step, kind):
    g = [((step * 37 + i * 11) % 23 - 11) / 8 for i in range(6)]
    if kind != "f":
        g[step % 6] = {"i": float("inf"), "n": float("nan")}[kind]
    return g


def run(make, pattern, clip):
    parameters = [torch.nn.Parameter(torch.arange(1.0, 5.0)), torch.nn.Parameter(torch.tensor([-1.0, 0.5]))]
    optimizer = make(parameters)
    scaler = torch.amp.GradScaler("cpu", growth_interval=INTERVAL)
    steps = []
    for step, kind in enumerate(pattern):
        g = torch.tensor(gradients(step, kind))
        optimizer.zero_grad()
        scaler.scale((parameters[0] * g[:4]).sum() + (parameters[1] * g[4:]).sum()).backward()
        if clip:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        scaler.step(optimizer)
        scaler.update()
        state = scaler.state_dict()
        steps.append({"kind": kind, "scale": state["scale"], "growth": state["_growth_tracker"], "parameters": [float(f"{v:.7g}") for p in parameters for v in p.tolist()]})
    return steps


cases = [{"optimizer": name, "pattern": pattern, "clip": clip, "interval": INTERVAL, "steps": run(make, kinds, clip)}
         for name, make in OPTIMIZERS.items() for pattern, kinds in PATTERNS.items() for clip in (0, 1.5)]
text = "[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n"
open(sys.argv[1], "w").write(text)
