"""Loads a folder with AutoModelForImageClassification: python client_transformers.py FOLDER INPUT.npy OUTPUT.npy"""
import json
import sys

import numpy
import torch
import transformers


def main(path, source, target):
    model, info = transformers.AutoModelForImageClassification.from_pretrained(path, output_loading_info=True)
    if any(info.values()):
        sys.exit(f"{path}: the weights do not fit the model: {info}")
    transformers.AutoImageProcessor.from_pretrained(path)
    with torch.inference_mode():
        logits = model.eval()(pixel_values=torch.from_numpy(numpy.load(source))).logits
    numpy.save(target, logits.numpy())
    labels = model.config.id2label
    print(json.dumps({"client": "transformers", "version": transformers.__version__, "classes": [labels[i] for i in range(len(labels))],
                      "note": "no missing or unexpected keys"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
