"""Writes files of torch.save for the tests of package pickle.

usage: make.py OUT_DIR
Needs NumPy; see torchfile.py for what stands in for PyTorch.
"""
import argparse, collections, datetime, os, pathlib, pickle, sys, zipfile
import numpy as np
from torchfile import Parameter, Storage, Tensor, module, save_legacy, save_zip

out = sys.argv[1]


def state(prefix=""):
    d = collections.OrderedDict()
    shared = Storage("Float", 24)
    for name, t in {
        "float32": Tensor(Storage("Float", 6), (2, 3)), "float64": Tensor(Storage("Double", 6), (2, 3)), "float16": Tensor(Storage("Half", 6), (2, 3)),
        "bfloat16": Tensor(Storage("BFloat16", 6), (2, 3)), "int64": Tensor(Storage("Long", 3), (3,)), "int32": Tensor(Storage("Int", 3), (3,)), "uint8": Tensor(Storage("Byte", 3), (3,)),
        "scalar": Tensor(Storage("Long", 1), ()), "empty": Tensor(Storage("Float", 0), (0, 3)), "parameter": Parameter(Storage("Float", 6), (6,)),
        "view": Tensor(shared, (2, 3), offset=6), "transposed": Tensor(shared, (3, 2), (1, 3), 12), "channels_last": Tensor(shared, (1, 2, 2, 3), (12, 1, 6, 2), 12),
    }.items():
        d[prefix + name] = t
    d._metadata = collections.OrderedDict([("", {"version": 1})])
    return d


save_zip(out + "/zip.pth", state())
save_zip(out + "/zip_protocol5.pth", state(), 5)
save_zip(out + "/zip_deflated.pth", state(), method=zipfile.ZIP_DEFLATED)
save_legacy(out + "/legacy.pth", state())

checkpoint = {
    "epoch": 3, "large": 1 << 80, "negative": -5, "wide": -(1 << 40), "best": np.float64(0.5), "time": datetime.datetime(2020, 1, 2), "path": pathlib.PurePosixPath("a/b"),
    "args": argparse.Namespace(lr=0.1, model="m"), "seen": {1, 2}, "counts": collections.defaultdict(list, a=[1]), "array": np.arange(3), "bytes": b"\x00\xff",
    "optimizer": {"state": {0: {"step": Tensor(Storage("Float", 1), ()), "exp_avg": Tensor(Storage("Float", 2), (2,))}}, "param_groups": [{"lr": 0.1, "params": [0], "betas": (0.9, 0.999)}]},
    "model": state("module."),
    "model_ema": state("module."),
}
save_zip(out + "/checkpoint.pth", checkpoint)
save_legacy(out + "/checkpoint_legacy.pth", checkpoint)
save_zip(out + "/checkpoint_protocol5.pth", checkpoint, 5)


class Runs:
    def __reduce__(self):
        return os.system, ("exit 1",)


class Evaluates:
    def __reduce__(self):
        return eval, ("1+1",)


class Looks:
    def __reduce__(self):
        return getattr, (1, "real")


module("models").Net = type("Net", (), {"__module__": "models"})
for name, o in {"system": {"model": state(), "x": Runs()}, "eval": Evaluates(), "getattr": [Looks()], "whole_model": sys.modules["models"].Net(), "list": [Tensor(Storage("Float", 1), (1,))],
                "no_state": {"epoch": 3, "lr": 0.5}, "complex": {"x": Tensor(Storage("ComplexFloat", 1), (1,))}}.items():
    save_zip(out + "/refused_" + name + ".pth", o)
save_zip(out + "/refused_torchscript.pt", state(), extra=["constants.pkl", "code/__torch__.py"])
with open(os.path.join(out, "refused_protocol0.pth"), "wb") as f:
    f.write(pickle.dumps({"a": 1.5}, 0))
with open(os.path.join(out, "refused_plain.pth"), "wb") as f:
    f.write(pickle.dumps({"a": 1.5}, 2))
