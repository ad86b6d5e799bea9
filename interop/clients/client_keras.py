"""Computes the logits of a network that was exported to Keras: .keras, .h5 or .weights.h5.

python client_keras.py MODEL INPUT.npy OUTPUT.npy
INPUT.npy is float32 (N, C, H, W), normalized, or uint8 (N, H, W, 3) pixels. Weights alone are loaded into the network of
keras.applications that they are of, into the article's network, or into the model of the .keras file beside them. The model's
probabilities are compared with the softmax of the logits. Needs keras with a backend (KERAS_BACKEND, tensorflow by default) and h5py.
"""
import json
import os
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
from keras import layers as L


def description(path):
    """What depthwise wrote about the weights: network, classes, preprocessing."""
    if path.endswith(".keras"):
        with zipfile.ZipFile(path) as z:
            return json.loads(z.read("metadata.json")).get("depthwise", {})
    with h5py.File(path) as f:
        return json.loads(f.attrs["depthwise"]) if "depthwise" in f.attrs else {}


def article(network):
    """The network of the article, as its script builds it."""
    side, channels = network["resolution"], lambda n: max(8, int(n * network["width"]))
    unit = lambda y: L.ReLU()(L.BatchNormalization()(y))
    x = image = keras.Input((side, side, 3))
    x = unit(L.Conv2D(channels(32), 3, strides=2, padding="same")(x))
    for f, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        x = unit(L.DepthwiseConv2D(3, strides=stride, padding="same")(x))
        x = unit(L.Conv2D(channels(f), 1)(x))
    x = L.AvgPool2D(x.shape[1])(x)
    return keras.Model(image, L.Dense(network["classes"], activation="softmax")(L.Flatten()(x)))


def applications(network):
    """The network of keras.applications."""
    build = {"mobilenet_v1": keras.applications.MobileNet, "mobilenet_v2": keras.applications.MobileNetV2}[network["arch"]]
    side = network["resolution"]
    return build(weights=None, alpha=network["width"], input_shape=(side, side, 3), classes=network["classes"])


def load(path):
    """The model, and how it was loaded."""
    if not path.endswith(".weights.h5"):
        return keras.saving.load_model(path, compile=False), "load_model"
    network, beside = description(path).get("model", {}), path[: -len(".weights.h5")] + ".keras"
    if network.get("variant") == "keras" and network["resolution"] >= 32:  # of keras.applications
        model, how = applications(network), "keras.applications"
    elif network.get("variant") == "article":
        model, how = article(network), "the article's network"
    else:
        with zipfile.ZipFile(beside) as z:
            model, how = keras.models.model_from_json(z.read("config.json").decode()), os.path.basename(beside)
    model.load_weights(path)
    return model, "load_weights into " + how


def main(path, source, target):
    x = np.load(source)
    if x.dtype != np.uint8:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    model, how = load(path)
    probabilities = model.predict(x, verbose=0, batch_size=len(x))
    model.layers[-1].activation = keras.activations.linear
    logits = keras.ops.convert_to_numpy(model(x, training=False))
    worst = np.abs(keras.ops.convert_to_numpy(keras.ops.softmax(logits)) - probabilities).max()
    if not worst < 1e-5 or logits.shape != probabilities.shape:
        sys.exit(f"the probabilities differ from the softmax of the logits by {worst}")
    np.save(target, logits)
    print(json.dumps({"client": "keras", "version": keras.__version__, "classes": description(path).get("classes"),
                      "note": f"{how}, {keras.backend.backend()} backend"}))
    keras.backend.clear_session()


if __name__ == "__main__":
    main(*sys.argv[1:])
