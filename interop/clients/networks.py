"""Networks of our metadata and arrays: timm's own for the variant timm, and torch's functions for a graph."""
import json

import torch
import torch.nn.functional as F


def build(metadata, state):
    """Returns a function of (N, C, H, W) and the version of what computes it."""
    if "graph" in metadata:
        graph = json.loads(metadata["graph"])
        return lambda x: run(graph, state, x), f"torch {torch.__version__}"
    import timm
    from timm.models import efficientnet
    model = json.loads(metadata["model"])
    assert model["variant"] == "timm", model
    make = {"mobilenet_v1": efficientnet._gen_mobilenet_v1, "mobilenet_v2": efficientnet._gen_mobilenet_v2}[model["arch"]]
    network = make(model["arch"].replace("_v", "v") + "_100", model["width"], num_classes=model["classes"]).eval()
    network.load_state_dict(state, strict=False)
    missing = set(network.state_dict()) - set(state)
    assert all(key.endswith("num_batches_tracked") for key in missing), missing
    return network, f"timm {timm.__version__}"


def logits(network, x):
    with torch.inference_mode():
        return network(torch.from_numpy(x)).numpy()


def run(graph, state, x):
    """Computes the layers of a graph."""
    values = {"input": x}
    for layer in graph["layers"]:
        values[layer["name"]] = compute(layer, state, [values[name] for name in layer["inputs"]])
    return values[graph["layers"][-1]["name"]]


def compute(layer, state, inputs):
    x, kind, name = inputs[0], layer["kind"], layer["name"]
    if kind == "conv":
        x = F.conv2d(pad(layer, x, 0), state[name + ".weight"], state.get(name + ".bias"), layer["stride"], 0, 1, layer["groups"])
    elif kind == "max_pool":
        x = F.max_pool2d(pad(layer, x, float("-inf")), layer["kernel"], layer["stride"])
    elif kind == "linear":
        x = F.linear(x, state[name + ".weight"], state.get(name + ".bias"))
    elif kind == "add":
        x = sum(inputs)
    elif kind == "global_avg_pool":
        x = x.mean((2, 3))
    elif kind == "flatten":
        x = x.flatten(1)
    elif kind not in ("batch_norm", "activation", "dropout"):
        raise ValueError(f"layer {name}: unknown kind {kind}")
    if layer.get("norm"):
        norm = layer["norm"]
        arrays = (state[norm["name"] + end] for end in (".running_mean", ".running_var", ".weight", ".bias"))
        x = F.batch_norm(x, *arrays, eps=norm["eps"])
    if layer.get("activation"):
        x = {"relu": F.relu, "relu6": F.relu6}[layer["activation"]["function"]](x)
    return x


def pad(layer, x, value):
    """Pads as models.Padding says."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        k, s = layer["kernel"], layer["stride"]
        if layer["padding"] == "same":
            total = max(0, (-(-size // s) - 1) * s + k - size)
            pads += [total // 2, total - total // 2]
        else:
            pads += {"symmetric": [k // 2, k // 2], "bottom_right": [0, k // 2], "valid": [0, 0]}[layer["padding"]]
    return F.pad(x, pads, value=value)
