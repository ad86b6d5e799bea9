"""Writes files of torch.save for the tests of package pickle, with Python's own pickler.

usage: make.py OUT_DIR
Needs NumPy. PyTorch is not needed: classes of its names stand in for tensors and storages, so that the pickles have the
globals, opcodes and persistent references that torch.save writes. Element i of a storage of n elements is i - n//2 + 0.5,
and without the half in integers.
"""
import argparse, collections, datetime, io, os, pathlib, pickle, struct, sys, types, zipfile
import numpy as np

out = sys.argv[1]


def module(name):
    m = types.ModuleType(name)
    sys.modules[name] = m
    return m


torch, utils = module("torch"), module("torch._utils")
torch._utils = utils
DTYPES = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "bf16", "Long": "<i8", "Int": "<i4", "Byte": "u1", "Bool": "u1", "ComplexFloat": "<c8"}
for name in DTYPES:
    setattr(torch, name + "Storage", type(name + "Storage", (), {"__module__": "torch"}))


def rebuild(*args):
    raise NotImplementedError


def function(m, name):
    f = types.FunctionType(rebuild.__code__, globals(), name)
    f.__module__, f.__qualname__ = m.__name__, name
    setattr(m, name, f)
    return f


tensor_v2, parameter = function(utils, "_rebuild_tensor_v2"), function(utils, "_rebuild_parameter")


class Storage:
    count = 0

    def __init__(self, kind, n):
        self.kind, self.n, self.key = kind, n, str(Storage.count)
        Storage.count += 1

    def bytes(self):
        dtype = DTYPES[self.kind]
        half = 0 if self.kind in ("Long", "Int", "Byte", "Bool") else 0.5
        v = np.arange(self.n) - (0 if self.kind in ("Byte", "Bool") else self.n // 2) + half
        if self.kind == "Bool":
            v %= 2
        if dtype == "bf16":
            return (v.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        return v.astype(dtype).tobytes()


class Tensor:
    def __init__(self, storage, size, stride=None, offset=0):
        if stride is None:
            stride, n = [], 1
            for d in reversed(size):
                stride.insert(0, n)
                n *= d
        self.args = (storage, offset, tuple(size), tuple(stride), False, collections.OrderedDict())

    def __reduce_ex__(self, protocol):
        return tensor_v2, self.args


class Parameter(Tensor):
    def __reduce_ex__(self, protocol):
        return parameter, (Tensor(self.args[0], self.args[2]), True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    storages = None

    def persistent_id(self, o):
        if not isinstance(o, Storage):
            return None
        self.storages[o.key] = o
        reference = ("storage", getattr(torch, o.kind + "Storage"), o.key, "cpu", o.n)
        return reference + (None,) if self.legacy else reference


def dump(o, protocol=2, legacy=False):
    b = io.BytesIO()
    p = Pickler(b, protocol)
    p.storages, p.legacy = {}, legacy
    p.dump(o)
    return b.getvalue(), p.storages


def save_zip(name, o, protocol=2, method=zipfile.ZIP_STORED, extra=()):
    data, storages = dump(o, protocol)
    with zipfile.ZipFile(os.path.join(out, name), "w", method) as z:
        write = lambda n, b: z.writestr(zipfile.ZipInfo("archive/" + n, (1980, 1, 1, 0, 0, 0)), b, method)
        write("data.pkl", data)
        write("byteorder", "little")
        for n in extra:
            write(n, "")
        for key, s in storages.items():
            write("data/" + key, s.bytes())
        write("version", "3\n")


def save_legacy(name, o):
    data, storages = dump(o, legacy=True)
    keys = sorted(storages)
    with open(os.path.join(out, name), "wb") as f:
        f.write(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2))
        f.write(pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2))
        f.write(data + pickle.dumps(keys, 2))
        for k in keys:
            f.write(struct.pack("<q", storages[k].n) + storages[k].bytes())


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


save_zip("zip.pth", state())
save_zip("zip_protocol5.pth", state(), 5)
save_zip("zip_deflated.pth", state(), method=zipfile.ZIP_DEFLATED)
save_legacy("legacy.pth", state())

checkpoint = {
    "epoch": 3, "large": 1 << 80, "negative": -5, "wide": -(1 << 40), "best": np.float64(0.5), "time": datetime.datetime(2020, 1, 2), "path": pathlib.PurePosixPath("a/b"),
    "args": argparse.Namespace(lr=0.1, model="m"), "seen": {1, 2}, "counts": collections.defaultdict(list, a=[1]), "array": np.arange(3), "bytes": b"\x00\xff",
    "optimizer": {"state": {0: {"step": Tensor(Storage("Float", 1), ()), "exp_avg": Tensor(Storage("Float", 2), (2,))}}, "param_groups": [{"lr": 0.1, "params": [0], "betas": (0.9, 0.999)}]},
    "model": state("module."),
    "model_ema": state("module."),
}
save_zip("checkpoint.pth", checkpoint)
save_legacy("checkpoint_legacy.pth", checkpoint)
save_zip("checkpoint_protocol5.pth", checkpoint, 5)


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
    save_zip("refused_" + name + ".pth", o)
save_zip("refused_torchscript.pt", state(), extra=["constants.pkl", "code/__torch__.py"])
with open(os.path.join(out, "refused_protocol0.pth"), "wb") as f:
    f.write(pickle.dumps({"a": 1.5}, 0))
with open(os.path.join(out, "refused_plain.pth"), "wb") as f:
    f.write(pickle.dumps({"a": 1.5}, 2))
