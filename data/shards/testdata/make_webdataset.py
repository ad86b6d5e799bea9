"""Writes data/shards/testdata/webdataset-*.tar with Python's webdataset package (pip install webdataset pillow),
or, given a folder of shards, prints what webdataset reads there:

    python make_webdataset.py
    python make_webdataset.py DIR/train-{000000..000003}.tar
"""
import io
import json
import pathlib
import sys

import webdataset
from PIL import Image

HERE = pathlib.Path(__file__).parent


def picture(i, size=(20, 16), format="JPEG"):
    im = Image.new("RGB", size, ((i * 40) % 256, 255 - (i * 30) % 256, 128))
    b = io.BytesIO()
    im.save(b, format)
    return b.getvalue()


def write():
    with webdataset.ShardWriter(str(HERE / "webdataset-cls-%06d.tar"), maxcount=3) as w:
        for i in range(5):
            w.write({"__key__": f"some/folder/{i:03d}", "jpg": picture(i), "cls": i % 3})
    with webdataset.TarWriter(str(HERE / "webdataset-json.tar")) as w:
        w.write({"__key__": "a", "png": picture(0, format="PNG"), "json": {"label": 1, "caption": "one"}})
        w.write({"__key__": "b", "jpeg": picture(1), "json": {"class": "0"}})
        w.write({"__key__": "c", "seg.png": picture(2, format="PNG"), "jpg": picture(3), "cls": 2})
        w.write({"__key__": "no-label", "jpg": picture(4)})
        w.write({"__key__": "no-image", "cls": 1})
    with webdataset.TarWriter(str(HERE / "webdataset-names.tar")) as w:
        for name in ["dog", "cat", "dog"]:
            w.write({"__key__": f"{name}{w.tarstream.offset}", "jpg": picture(1), "txt": name, "json": {"class_name": name}})


def read(pattern):
    for s in webdataset.WebDataset(pattern, shardshuffle=False).decode("pil"):
        image = next(k for k in s if k in ("jpg", "png", "webp", "gif"))
        w, h = s[image].size
        print(json.dumps([s["__key__"], image, int(s["cls"]), w, h]))


if __name__ == "__main__":
    read(sys.argv[1]) if len(sys.argv) > 1 else write()
