"""Unpacks shards to class folders: images.py SHARDS FOLDER COPIES. Each image is there COPIES times, as hard links, so that an
epoch of a small data set is long enough to measure."""
import json
import os
import sys
import tarfile

shards, folder, copies = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.path.join(shards, "shards.json"), encoding="utf-8") as f:
    classes = json.load(f)["classes"]
for name in sorted(os.listdir(shards)):
    part = name.partition("-")[0]
    if not name.endswith(".tar"):
        continue
    files = {}
    with tarfile.open(os.path.join(shards, name)) as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    for image in files:
        key, extension = os.path.splitext(image)
        if extension == ".cls":
            continue
        target = os.path.join(folder, part, classes[int(files[key + ".cls"])])
        os.makedirs(target, exist_ok=True)
        first = os.path.join(target, f"{os.path.basename(key)}-0{extension}")
        with open(first, "wb") as f:
            f.write(files[image])
        for i in range(1, copies if part == "train" else 1):
            os.link(first, os.path.join(target, f"{os.path.basename(key)}-{i}{extension}"))
