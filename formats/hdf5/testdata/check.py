"""Reads with h5py the file that TestWrite writes, then changes a copy: libhdf5 must find every structure usable.

usage: DEPTHWISE_WRITTEN_H5=/tmp/written.h5 go test ./formats/hdf5 -run TestWrite && python check.py /tmp/written.h5
Needs h5py and NumPy.
"""
import shutil, sys
import h5py
import numpy as np

with h5py.File(sys.argv[1]) as f:
    assert len(f.attrs["long"]) == 200_000 and len(f.attrs["none"]) == 0
    assert list(f["z"].attrs["names"]) == ["a", "", "ü 漢字"] and f["z"].attrs["empty"] == "" and f["z"].attrs["many"][3999] == "layer 3999"
    paths = []
    f.visititems(lambda name, _: paths.append(name))
    assert len(paths) == 308 and len(f["wide"]) == 300 and len(f["a"]) == 0
    for name, shape in {"z/vector": (3,), "z/größe": (3, 1, 2, 5), "z/large": (33, 1001), "scalar": (), "nothing": (0, 3)}.items():
        a = f[name][()]
        assert a.shape == shape and a.dtype == np.dtype("<f4") and np.array_equal(a.ravel(), np.arange(a.size, dtype="f4") - 0.5), name
changed = sys.argv[1] + ".changed"
shutil.copy(sys.argv[1], changed)
with h5py.File(changed, "r+") as f:
    f["a/new"], f["wide/more"], f.attrs["long"] = np.arange(4.0), np.arange(3), "short"
    del f["z/vector"]
with h5py.File(changed) as f:
    assert f["a/new"][3] == 3 and len(f["wide"]) == 301 and f.attrs["long"] == "short" and sorted(f["z"]) == ["größe", "large"]
print("as written, h5py", h5py.version.version, "HDF5", h5py.version.hdf5_version)
