"""Runs a TensorFlow Lite file with tf.lite.Interpreter: python client_tflite.py MODEL INPUT.npy OUTPUT.npy

Requires: tensorflow (tensorflow-cpu), ai-edge-litert for the schema, numpy. Input and output are those of client_litert.py.
"""

import json
import sys

import numpy as np
import tensorflow as tf
from client_litert import class_names, run


def main(path, inputs, outputs):
    x = np.load(inputs)
    if x.dtype != np.uint8:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    with open(path, "rb") as file:
        names = class_names(file.read())
    np.save(outputs, run(tf.lite.Interpreter(model_path=path), x))
    print(json.dumps({"client": "tensorflow lite", "version": tf.__version__, "classes": names, "note": ""}))


if __name__ == "__main__":
    main(*sys.argv[1:])
