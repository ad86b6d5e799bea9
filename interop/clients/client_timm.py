"""Loads a checkpoint into timm's MobileNets: python client_timm.py MODEL INPUT.npy OUTPUT.npy"""
import json
import sys

import numpy
import safetensors
import timm
import torch

WIDTHS = {"mobilenet_v1": {1: "mobilenetv1_100", 1.25: "mobilenetv1_125"},
          "mobilenet_v2": {0.35: "mobilenetv2_035", 0.5: "mobilenetv2_050", 0.75: "mobilenetv2_075", 1: "mobilenetv2_100", 1.4: "mobilenetv2_140"}}


def main(path, source, target):
    with safetensors.safe_open(path, "pt") as f:
        described = f.metadata()
    network = json.loads(described["model"])
    arguments = {"num_classes": network["classes"], "act_layer": network["activation"], "bn_eps": network["bn_eps"],
                 "pad_type": "" if network["padding"] == "symmetric" else "same"}
    arch, width = network["arch"], network["width"]
    if width in WIDTHS[arch]:
        model = timm.create_model(WIDTHS[arch][width], checkpoint_path=path, **arguments)
    else:  # the function that timm's own widths call
        construct = {"mobilenet_v1": timm.models.efficientnet._gen_mobilenet_v1, "mobilenet_v2": timm.models.efficientnet._gen_mobilenet_v2}[arch]
        model = construct("mobilenetv1_100" if arch == "mobilenet_v1" else "mobilenetv2_100", width, **arguments)
        timm.models.load_checkpoint(model, path, strict=True)
    with torch.inference_mode():
        logits = model.eval()(torch.from_numpy(numpy.load(source)))
    numpy.save(target, logits.numpy())
    print(json.dumps({"client": "timm", "version": timm.__version__, "classes": json.loads(described["classes"]), "note": "strict checkpoint_path"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
