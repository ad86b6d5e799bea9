"""Loads a state dict into torchvision's MobileNetV2: python client_torchvision.py MODEL INPUT.npy OUTPUT.npy"""
import functools
import json
import sys
import zipfile

import numpy
import torch
import torchvision


def metadata(path):
    """What depthwise adds to the file; PyTorch ignores it."""
    with zipfile.ZipFile(path) as z:
        return json.loads(z.read("archive/extra/metadata.json"))


def main(path, source, target):
    described = metadata(path)
    network = described["model"]
    model = torchvision.models.mobilenet_v2(num_classes=network["classes"], width_mult=network["width"],
                                            norm_layer=functools.partial(torch.nn.BatchNorm2d, eps=network["bn_eps"]))
    model.load_state_dict(torch.load(path, weights_only=True), strict=True)
    with torch.inference_mode():
        logits = model.eval()(torch.from_numpy(numpy.load(source)))
    numpy.save(target, logits.numpy())
    print(json.dumps({"client": "torchvision", "version": torchvision.__version__, "classes": described["classes"], "note": "strict load_state_dict"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
