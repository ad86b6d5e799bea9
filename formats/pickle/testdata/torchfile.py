"""torch.save without PyTorch, with Python's own pickler: classes of its names stand in for tensors and storages, so that
the pickles have the globals, opcodes and persistent references that torch.save writes. Used by make.py here and in
formats/testdata. Element i of a storage of n elements is i - n//2 + 0.5, without the half in integers, unless it has
values."""
import collections, io, pickle, struct, sys, types, zipfile
import numpy as np


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

    def __init__(self, kind, n, values=None):
        self.kind, self.n, self.values, self.key = kind, n, values, str(Storage.count)
        Storage.count += 1

    def bytes(self):
        dtype = DTYPES[self.kind]
        if self.values is not None:
            return self.values.astype(dtype).tobytes()
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


def save_zip(path, o, protocol=2, method=zipfile.ZIP_STORED, extra=()):
    data, storages = dump(o, protocol)
    with zipfile.ZipFile(path, "w", method) as z:
        write = lambda n, b: z.writestr(zipfile.ZipInfo("archive/" + n, (1980, 1, 1, 0, 0, 0)), b, method)
        write("data.pkl", data)
        write("byteorder", "little")
        for n in extra:
            write(n, "")
        for key, s in storages.items():
            write("data/" + key, s.bytes())
        write("version", "3\n")


def save_legacy(path, o):
    data, storages = dump(o, legacy=True)
    keys = sorted(storages)
    with open(path, "wb") as f:
        f.write(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2))
        f.write(pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2))
        f.write(data + pickle.dumps(keys, 2))
        for k in keys:
            f.write(struct.pack("<q", storages[k].n) + storages[k].bytes())
