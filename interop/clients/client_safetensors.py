"""Opens our safetensors files with the package safetensors: timm's networks in timm, graphs of one's own in torch.

python client_safetensors.py MODEL.safetensors INPUT.npy OUTPUT.npy
"""
import json
import sys

import numpy
import safetensors
import safetensors.torch

import networks


def main(model, input, output):
    with safetensors.safe_open(model, "pt") as f:
        metadata = f.metadata()
    network, version = networks.build(metadata, safetensors.torch.load_file(model))
    numpy.save(output, networks.logits(network, numpy.load(input)))
    print(json.dumps({"client": "safetensors", "version": safetensors.__version__, "classes": json.loads(metadata["classes"]),
                      "note": version}))


if __name__ == "__main__":
    main(*sys.argv[1:])
