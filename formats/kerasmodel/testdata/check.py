"""Computes with Keras the models of TestComputes, and compares probabilities, the order of the layers and both files of weights.

usage: mkdir /tmp/models && DEPTHWISE_KERAS_DIR=/tmp/models go test ./formats/kerasmodel -run TestComputes && python check.py /tmp/models
Needs keras with a backend (KERAS_BACKEND, tensorflow by default), h5py and NumPy. With tf_keras, Keras 2 reads the whole models too.
"""
import glob, json, os, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

try:
    import tf_keras  # Keras 2
except ImportError:
    tf_keras = None

largest = 0.0
cases = sorted(glob.glob(os.path.join(sys.argv[1], "*.json")))
assert cases
for path in cases:
    with open(path) as f:
        case = json.load(f)
    first = keras.models.model_from_json(json.dumps(case["config"]))
    assert [l.name for l in first.layers] == case["layers"], (case["name"], [l.name for l in first.layers], case["layers"])
    first.load_weights(path[:-5] + ".weights.h5")
    image = np.asarray(case["image"], "f4").reshape((1,) + first.input_shape[1:])
    models = [("weights", first), ("whole model", keras.saving.load_model(path[:-5] + ".h5", compile=False))]
    if tf_keras:
        models.append(("Keras 2", tf_keras.models.load_model(path[:-5] + ".h5", compile=False)))
    for how, model in models:
        # model(...) runs eagerly: compiling each model takes longer
        difference = np.abs(keras.ops.convert_to_numpy(model(image)).reshape(-1) - case["want"]).max()
        largest = max(largest, difference)
        if not difference < 1e-5:
            print("FAILED", case["name"], how, difference)
print("Keras 2:", tf_keras.__version__ if tf_keras else "not installed")
print(f"{len(cases)} models, keras {keras.__version__}, backend {keras.backend.backend()}: largest difference of probabilities {largest:.1e}")
