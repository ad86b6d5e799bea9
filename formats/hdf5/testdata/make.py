"""Writes HDF5 files for the tests of package hdf5.

usage: make.py OUT_DIR
Needs h5py and NumPy. Element i of an array named NAME of n elements is i - n//2 + 0.5, and without the half in integers.
"""
import os, sys
import h5py
import numpy as np

out = sys.argv[1]


def values(shape, dtype):
    n = int(np.prod(shape))
    half = 0 if np.dtype(dtype).kind in "iu" else 0.5
    first = 0 if np.dtype(dtype).kind == "u" else -(n // 2)
    return (np.arange(n) + first + half).astype(dtype).reshape(shape)


def create(group, name, shape, dtype, **options):
    group.create_dataset(name, data=values(shape, dtype), **options)


def fill(f, types=9):
    for dtype in ["<f2", "<f4", "<f8", ">f4", "<i8", "<i4", "<i2", "i1", "u1"][:types]:
        create(f, "types/" + dtype.replace("<", "little_").replace(">", "big_"), (3, 5), dtype)
    create(f, "layouts/scalar", (), "<f4")
    create(f, "layouts/empty", (0, 3), "<f4")
    create(f, "layouts/one_chunk", (4, 6), "<f4", chunks=(4, 6))
    create(f, "layouts/one_chunk_gzip", (4, 6), "<f4", chunks=(4, 6), compression="gzip")
    f.attrs["fixed"] = np.bytes_(b"text")
    f.attrs["variable"] = "\u00fc and more"
    f.attrs["list"] = np.array([b"a", b"bcd"])
    f.attrs["variable_list"] = ["x", "", "yz"]
    f.attrs["number"] = 7


with h5py.File(os.path.join(out, "default.h5"), "w") as f:
    fill(f)
    create(f, "layouts/chunks", (5, 7), "<f4", chunks=(2, 3))
    create(f, "layouts/chunks_gzip_shuffle", (5, 7, 3), "<f4", chunks=(2, 3, 2), compression="gzip", shuffle=True)
    create(f, "layouts/resizable", (5,), "<f8", chunks=(2,), maxshape=(None,))
    f["layouts/soft"] = h5py.SoftLink("/layouts/scalar")
    f["a/b/c/d/e/kernel"] = values((2, 3), "<f4")
    f["a/hard"] = f["a/b"]

with h5py.File(os.path.join(out, "latest.h5"), "w", libver="v110") as f:
    fill(f, types=8)  # more than 8 links are dense

with h5py.File(os.path.join(out, "user_block.h5"), "w", userblock_size=512) as f:
    create(f, "x", (3,), "<f4")

with h5py.File(os.path.join(out, "ordered.h5"), "w", track_order=True) as f:
    for name in ["z", "a", "m"]:
        create(f, name, (2,), "<f4")

with h5py.File(os.path.join(out, "many.h5"), "w") as f:  # a B-tree of two levels
    for i in range(180):
        f.create_group("layer_%03d" % i)
    create(f, "layer_179/kernel", (3,), "<f4")

for name, options in {
    "dense": dict(libver="v110"), "fletcher32": {}, "extensible": dict(libver="v110"), "external": {}, "shared_type": {}, "compound": {},
    "no_data": {}, "missing_chunk": {}, "cycle": {},
}.items():
    with h5py.File(os.path.join(out, "refused_" + name + ".h5"), "w", **options) as f:
        if name == "dense":
            for i in range(20):
                f.create_group("g%d" % i)
        elif name == "fletcher32":
            create(f, "x", (4,), "<f4", chunks=(4,), fletcher32=True)
        elif name == "extensible":
            create(f, "x", (4,), "<f4", chunks=(2,), maxshape=(None,))
        elif name == "external":
            f.create_dataset("x", (4,), "<f4", external=[("other.bin", 0, 16)])
        elif name == "shared_type":
            f["type"] = np.dtype("<f4")
            f.create_dataset("x", (4,), dtype=f["type"])
        elif name == "compound":
            f.create_dataset("x", (4,), dtype=[("a", "<f4"), ("b", "<f4")])
        elif name == "no_data":
            f.create_dataset("x", (4,), "<f4")
        elif name == "missing_chunk":
            f.create_dataset("x", (4,), "<f4", chunks=(2,))[:2] = 1
        elif name == "cycle":
            f["a/b"] = f["/"]
if os.path.exists(os.path.join(out, "other.bin")):
    os.remove(os.path.join(out, "other.bin"))
