"""Opens our .npz files with NumPy: timm's networks in timm, graphs of one's own in torch.

python client_numpy.py MODEL.npz INPUT.npy OUTPUT.npy
"""
import json
import sys
import zipfile

import numpy
import torch

import networks


def main(model, input, output):
    metadata = json.loads(zipfile.ZipFile(model).comment)
    with numpy.load(model) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    network, version = networks.build(metadata, state)
    numpy.save(output, networks.logits(network, numpy.load(input)))
    print(json.dumps({"client": "numpy", "version": numpy.__version__, "classes": json.loads(metadata["classes"]), "note": version}))


if __name__ == "__main__":
    main(*sys.argv[1:])
