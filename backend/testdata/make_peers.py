"""Writes peers/*.json: logits that other libraries' MobileNets compute.

usage: KERAS_BACKEND=torch make_peers.py OUT_DIR [channels.json]
Needs torch, torchvision, timm, transformers and keras.

Weights and images are not stored. Each array has a range, and `values` of make_reference.py gives its values
from the peer's own name of it; parity_test.go does the same, maps the names and compares the logits.

With a second argument it also writes the channels of every convolution, the parameters and the multiply-adds
of each peer's networks over a range of widths (models/mobilenet/testdata/channels.json).
"""
import json, math, os, sys
import numpy as np
import torch
import keras, timm, torchvision, transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers import MobileNetV1Config, MobileNetV1ForImageClassification, MobileNetV2Config, MobileNetV2ForImageClassification
from timm.models import efficientnet
from make_reference import values

CLASSES, BATCH = 5, 2


def article(width, res, classes):
    """The article's network: Keras layers with their defaults."""
    from keras import layers as L
    c = lambda n: max(8, int(n * width))
    unit = lambda y: L.ReLU()(L.BatchNormalization()(y))
    i = keras.Input((res, res, 3))
    x = unit(L.Conv2D(c(32), 3, strides=2, padding="same")(i))
    for f, s in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        x = unit(L.DepthwiseConv2D(3, strides=s, padding="same")(x))
        x = unit(L.Conv2D(c(f), 1)(x))
    return keras.Model(i, L.Dense(classes, activation="softmax")(L.GlobalAveragePooling2D()(x)))


class Logits(torch.nn.Module):
    """Hugging Face's model, which returns a record."""
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        return self.m(x).logits


BUILD = {  # arch and variant: function of width, resolution and classes
    "mobilenet_v1 timm": lambda w, r, n: efficientnet._gen_mobilenet_v1("mobilenetv1_100", channel_multiplier=w, num_classes=n),
    "mobilenet_v1 hf": lambda w, r, n: Logits(MobileNetV1ForImageClassification(MobileNetV1Config(depth_multiplier=w, image_size=r, num_labels=n))),
    "mobilenet_v1 keras": lambda w, r, n: keras.applications.MobileNet(weights=None, alpha=w, input_shape=(r, r, 3), classes=n),
    "mobilenet_v1 article": article,
    "mobilenet_v2 torchvision": lambda w, r, n: torchvision.models.mobilenet_v2(width_mult=w, num_classes=n),
    "mobilenet_v2 timm": lambda w, r, n: efficientnet._gen_mobilenet_v2("mobilenetv2_100", channel_multiplier=w, num_classes=n),
    "mobilenet_v2 hf": lambda w, r, n: Logits(MobileNetV2ForImageClassification(MobileNetV2Config(depth_multiplier=w, image_size=r, num_labels=n))),
    "mobilenet_v2 keras": lambda w, r, n: keras.applications.MobileNetV2(weights=None, alpha=w, input_shape=(r, r, 3), classes=n),
}

CASES = [  # arch and variant, width, resolution
    ("mobilenet_v1 timm", 0.3, 64), ("mobilenet_v1 hf", 0.3, 65), ("mobilenet_v1 keras", 0.3, 64), ("mobilenet_v1 keras", 0.3, 65),
    ("mobilenet_v1 article", 0.3, 64), ("mobilenet_v1 article", 0.3, 75),
    ("mobilenet_v2 torchvision", 0.3, 64), ("mobilenet_v2 timm", 0.5, 65), ("mobilenet_v2 keras", 0.35, 64), ("mobilenet_v2 keras", 0.35, 97),
    ("mobilenet_v2 hf", 0.35, 64), ("mobilenet_v2 hf", 0.2, 65),  # at 0.2 the stem has as many channels as the first block
]

WIDTHS = [0.1, 0.2, 0.25, 0.3, 0.35, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4, 1.75, 2.0]


def span(name, shape, fan_in):
    if name.endswith(("running_var", "moving_variance")):
        return 0.5, 2.0
    if len(shape) == 4:
        return -math.sqrt(6 / fan_in), math.sqrt(6 / fan_in)
    if len(shape) == 1 and name.endswith((".weight", "/gamma")):
        return 0.5, 1.5
    return (-0.03, 0.03) if len(shape) == 2 else (-0.25, 0.25)  # logits that softmax does not saturate


def keras_variables(m):
    return [(l.name + "/" + v.name, v) for l in m.layers for v in l.weights if "seed" not in v.name]


def case(kind, width, res):
    keras.backend.clear_session()
    m, arrays = BUILD[kind](width, res, CLASSES), []

    def fill(name, shape, fan_in):
        low, high = span(name, shape, fan_in)
        arrays.append({"name": name, "shape": list(shape), "low": low, "high": high})
        return values(name, tuple(shape), low, high).float()

    x = values("images", (BATCH, 3, res, res), -1.75, 1.75).float()
    result = {"arch": kind.split()[0], "variant": kind.split()[1], "width": width, "resolution": res, "classes": CLASSES}
    if isinstance(m, keras.Model):
        for name, v in keras_variables(m):
            fan_in = v.shape[0] * v.shape[1] * (1 if "depthwise" in name else v.shape[2]) if len(v.shape) == 4 else 0
            v.assign(fill(name, v.shape, fan_in).numpy())
        y = m.predict(x.permute(0, 2, 3, 1).numpy(), verbose=0)
        result["output"], result["version"] = "probabilities", f"keras {keras.__version__}"
    else:
        state = {}
        for name, v in m.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            shown = name.removeprefix("m.")
            state[name] = fill(shown, v.shape, int(np.prod(v.shape[1:])))
        m.load_state_dict(state, strict=False)
        m.eval()
        with torch.no_grad():
            y = m(x).numpy()
        peer = {"timm": timm, "torchvision": torchvision, "hf": transformers}[kind.split()[1]]
        result["output"], result["version"] = "logits", f"{peer.__name__} {peer.__version__}, torch {torch.__version__}"
    result["values"] = [float(f"{v:.9g}") for v in y.flatten()]
    result["arrays"] = arrays
    return result


def counts(kind, width):
    """The output channels of the network's convolutions but the depthwise ones, its parameters and multiply-adds at 224."""
    keras.backend.clear_session()
    m = BUILD[kind](width, 224, 1000)
    if isinstance(m, keras.Model):
        channels = [l.filters for l in m.layers if type(l) is keras.layers.Conv2D]
        return {"channels": [int(c) for c in channels if c != 1000], "params": int(m.count_params())}
    modules = [c for c in m.modules() if isinstance(c, torch.nn.Conv2d) and (c.groups == 1)]
    buffers = sum(v.numel() for k, v in m.state_dict().items() if "running_" in k)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        m.eval()(torch.zeros(1, 3, 224, 224))
    return {"channels": [c.out_channels for c in modules], "params": sum(p.numel() for p in m.parameters()) + buffers,
            "multiply_adds": flops.get_total_flops() // 2}


out = sys.argv[1]
for kind, width, res in CASES:
    name = kind.removeprefix("mobilenet_").replace(" ", "_") + f"_{width}_{res}.json"
    with open(os.path.join(out, name), "w") as f:
        r = case(kind, width, res)
        arrays = r.pop("arrays")
        head = json.dumps(r)[:-1]
        f.write(head + ', "arrays": [\n' + ",\n".join(json.dumps(a) for a in arrays) + "\n]}\n")
if len(sys.argv) > 2:
    with open(sys.argv[2], "w") as f:
        f.write("[\n" + ",\n".join(json.dumps({"arch": k.split()[0], "variant": k.split()[1], "width": w, **counts(k, w)}) for k in BUILD for w in WIDTHS) + "\n]\n")
