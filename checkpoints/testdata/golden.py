"""Golden files of the safetensors and NumPy tests. Needs: pip install numpy safetensors.

    python golden.py make    write from_python.safetensors and *.npy, which the Go tests read
    python golden.py check   read from_go.safetensors, from_go.npy and from_go.npz, which the Go tests write with -update
"""
import os
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def at(name):
    return os.path.join(HERE, name)


def arrays():
    return {
        "f16": np.array([0, -0.0, 1, -2, 65504, 6e-8, 6.1e-5, np.inf, -np.inf], np.float16),
        "f32": (np.arange(6, dtype=np.float32) / 4).reshape(2, 3),
        "f64": np.arange(3, dtype=np.float64) / 3,
        "i64": np.array([-(2**63), -1, 2**63 - 1], np.int64),
        "i32": np.array([[-(2**31)], [2**31 - 1]], np.int32),
        "u8": np.array([0, 127, 255], np.uint8),
        "bool": np.array([True, False, True]),
        "scalar": np.array(7, np.int64),
        "empty": np.zeros((0, 3), np.float32),
    }


def make():
    save_file(arrays(), at("from_python.safetensors"), metadata={"format": "np", "quote\"": "<a&b> \u00e9"})
    np.save(at("f4.npy"), arrays()["f32"])
    np.save(at("f8_fortran.npy"), np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)))
    np.save(at("i8_big.npy"), np.array([-1, 2**40], ">i8"))
    np.save(at("i4.npy"), arrays()["i32"])
    np.save(at("u1.npy"), arrays()["u8"])
    np.save(at("bool.npy"), arrays()["bool"])
    np.save(at("scalar.npy"), np.float32(2.5))
    np.save(at("empty.npy"), arrays()["empty"])
    with open(at("f2_v2.npy"), "wb") as f:
        np.lib.format.write_array(f, arrays()["f16"], version=(2, 0))


def same(got, want, name):
    assert got.dtype == want.dtype and got.shape == want.shape and np.array_equal(got, want), (name, got, want)


def check():
    want = arrays()
    want["f16"] = want["f16"].astype(np.float32)  # Go widens halves
    got = load_file(at("from_go.safetensors"))
    assert got.keys() == want.keys(), got.keys()
    for name in want:
        same(got[name], want[name], name)
    with safe_open(at("from_go.safetensors"), "np") as f:
        metadata = f.metadata()
    assert len(metadata["sha256"]) == 64 and metadata["quote\""] == "<a&b> \u00e9", metadata
    npz = np.load(at("from_go.npz"), allow_pickle=False)
    assert set(npz.files) == set(want), npz.files
    for name in want:
        same(npz[name], want[name], name)
    same(np.load(at("from_go.npy"), allow_pickle=False), want["f32"], "npy")
    print("all equal")


{"make": make, "check": check}[sys.argv[1]]()
