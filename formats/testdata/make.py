"""Writes the networks of backend/testdata/peers in the containers of Keras and PyTorch, for the tests of package formats.

usage: make.py OUT_DIR      (from formats/testdata)
Needs h5py and NumPy; PyTorch's files are those of ../pickle/testdata/torchfile.py. Names, shapes and their order are those that the tools' own networks have (backend/testdata/
make_peers.py); element i of the array at place k is k + (i % 4) / 4. Files are compressed with gzip.
"""
import argparse, collections, gzip, io, json, os, sys, tempfile, zipfile
import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pickle", "testdata"))
from torchfile import Storage, Tensor, save_legacy, save_zip

out = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))


def peers(name):
    with open(os.path.join(here, "..", "..", "backend", "testdata", "peers", name + ".json")) as f:
        p = json.load(f)
    for k, a in enumerate(p["arrays"]):
        n = int(np.prod(a["shape"]))
        a["values"] = (k + np.arange(n) % 4 / 4).astype("<f4").reshape(a["shape"])
    return p


def packed(name, data):
    with gzip.GzipFile(os.path.join(out, name + ".gz"), "wb", mtime=0) as f:
        f.write(data)


def h5(fill):
    b = io.BytesIO()
    with h5py.File(b, "w") as f:
        fill(f)
    return b.getvalue()


def config(p, relu):
    layers = [{"class_name": "InputLayer", "config": {"batch_shape": [None, p["resolution"], p["resolution"], 3]}},
              {"class_name": "BatchNormalization", "config": {"epsilon": 0.001, "momentum": 0.999 if p["arch"].endswith("v2") else 0.99}},
              {"class_name": "ReLU", "config": {"max_value": relu}}]
    return json.dumps({"class_name": "Functional", "config": {"name": "model", "layers": layers}})


def whole(p, relu):
    def fill(f):
        f.attrs["model_config"] = config(p, relu)
        f.attrs["keras_version"] = "3.15.1"
        f["optimizer_weights/iteration"] = np.int64(7)
        for a in p["arrays"]:
            layer, kind = a["name"].split("/")
            f["model_weights/%s/%s/%s" % (layer, layer, kind)] = a["values"]
    return h5(fill)


def weights(p):
    """Layers by their class, numbered in order; variables by number."""
    def fill(f):
        counts, seen = collections.Counter(), {}
        for a in p["arrays"]:
            layer, kind = a["name"].split("/")
            if layer not in seen:
                dim = len(a["shape"])
                c = "batch_normalization" if kind == "gamma" else "dense" if dim == 2 else "depthwise_conv2d" if a["shape"][-1] == 1 else "conv2d"
                seen[layer] = c + ("_%d" % counts[c] if counts[c] else "")
                counts[c] += 1
            n = {"kernel": 0, "bias": 1, "gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3}[kind]
            f["layers/%s/vars/%d" % (seen[layer], n)] = a["values"]
        f["layers/dropout/seed_generator/vars/0"] = np.array([1, 2], "u4")
        f["optimizer/vars/0"] = np.int64(7)
    return h5(fill)


def keras_zip(p, relu):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        for name, data in {"metadata.json": "{}", "config.json": config(p, relu), "model.weights.h5": weights(p)}.items():
            z.writestr(zipfile.ZipInfo(name), data)
    return b.getvalue()


for name, relu in {"v1_keras_0.3_64": 6.0, "v1_article_0.3_75": None, "v2_keras_0.35_64": 6.0}.items():
    p = peers(name)
    packed(name + ".h5", whole(p, relu))
    packed(name + ".weights.h5", weights(p))
    packed(name + ".keras", keras_zip(p, relu))


def state(p, prefix="", kind="Float", add=0):
    d = collections.OrderedDict()
    for a in p["arrays"]:
        d[prefix + a["name"]] = Tensor(Storage(kind, a["values"].size, a["values"].flatten() + add), a["values"].shape)
        if a["name"].endswith("running_var"):
            d[prefix + a["name"].replace("running_var", "num_batches_tracked")] = Tensor(Storage("Long", 1), ())
    return d


def torch_file(name, save, o):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        save(path, o)
        with open(path, "rb") as f:
            packed(name, f.read())


v1, v2 = peers("v1_timm_0.3_64"), peers("v2_torchvision_0.3_64")
torch_file("v2_torchvision_0.3_64.pth", save_zip, state(v2))
torch_file("v2_torchvision_0.3_64.legacy.pth", save_legacy, state(v2))
torch_file("v1_timm_0.3_64.half.pth", save_zip, {"model_state_dict": state(v1, "module.", "Half"), "optimizer": {"state": {}}, "epoch": 3})
torch_file("v1_timm_0.3_64.ema.pth", save_zip, {"args": argparse.Namespace(lr=0.1), "state_dict": state(v1, add=1), "state_dict_ema": state(v1), "epoch": 3, "metric": np.float64(0.5)})
