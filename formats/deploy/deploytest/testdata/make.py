"""Write logits.json: what PyTorch computes in float64 with the networks of graphs.json, which
go test ./formats/deploy/deploytest -update writes.

    pip install torch numpy
    python formats/deploy/deploytest/testdata/make.py
"""
import json, math, pathlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
BATCH = 2


def formula(name, shape, low, high):
    """float32 values in low..high: SplitMix64 from the FNV-1a hash of the name, as Formula in deploytest.go."""
    seed = 0xCBF29CE484222325
    for b in name.encode():
        seed = (seed ^ b) * 0x100000001B3 % 2**64
    n = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    v = (low + (high - low) * ((z >> np.uint64(40)).astype(np.float64) / (1 << 24))).astype(np.float32)
    return torch.from_numpy(v.reshape(shape)).double()


def filters(name, *shape):
    limit = math.sqrt(6 / math.prod(shape[1:]))
    return formula(name, shape, -limit, limit)


def small(name, n):
    return formula(name, (n,), -0.3, 0.3)


def pads(rule, size, kernel, stride):
    if rule == "same":  # TensorFlow's: ceil(size/stride) outputs, the odd pixel after
        total = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
        return total // 2, total - total // 2
    return {"valid": (0, 0), "bottom_right": (0, kernel // 2), "symmetric": (kernel // 2, kernel // 2)}[rule]


def windowed(layer, x, value):
    k, s = layer["kernel"], layer["stride"]
    rows, columns = (pads(layer["padding"], size, k, s) for size in x.shape[2:])
    return F.pad(x, (*columns, *rows), value=value)


def norm(n, x):
    c, name = x.shape[1], n["name"]
    return F.batch_norm(x, small(name + ".running_mean", c), formula(name + ".running_var", (c,), 0.5, 2),
                        formula(name + ".weight", (c,), 0.5, 1.5), small(name + ".bias", c), eps=n["eps"])


def conv(layer, x):
    name, k, groups = layer["name"], layer["kernel"], layer["groups"]
    weight = filters(name + ".weight", layer["out"], x.shape[1] // groups, k, k)
    bias = small(name + ".bias", layer["out"]) if layer.get("bias") else None
    y = F.conv2d(windowed(layer, x, 0), weight, bias, stride=layer["stride"], groups=groups)
    return norm(layer["norm"], y) if "norm" in layer else y


def linear(layer, x):
    bias = small(layer["name"] + ".bias", layer["out"]) if layer.get("bias") else None
    return F.linear(x, filters(layer["name"] + ".weight", layer["out"], x.shape[1]), bias)


KINDS = {
    "conv": conv,
    "batch_norm": lambda l, x: norm(l["norm"], x),
    "activation": lambda l, x: x,
    "add": lambda l, x, y: x + y,
    "max_pool": lambda l, x: F.max_pool2d(windowed(l, x, -math.inf), l["kernel"], l["stride"]),
    "global_avg_pool": lambda l, x: x.mean((2, 3)),
    "flatten": lambda l, x: x.flatten(1),
    "dropout": lambda l, x: x,
    "linear": linear,
}


def forward(graph):
    shape = graph["input"]
    values = {"input": formula("images", (BATCH, shape["channels"], shape["height"], shape["width"]), -1.75, 1.75)}
    for layer in graph["layers"]:
        y = KINDS[layer["kind"]](layer, *(values[name] for name in layer["inputs"]))
        if "activation" in layer:
            y = {"relu": F.relu, "relu6": F.relu6}[layer["activation"]["function"]](y)
        values[layer["name"]] = y
    return y.flatten().tolist()


graphs = json.loads((HERE / "graphs.json").read_text())
rows = [f"{json.dumps(g['name'], ensure_ascii=False)}: {json.dumps(forward(g))}" for g in graphs]
(HERE / "logits.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
