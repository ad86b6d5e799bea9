"""Writes the golden files of packages data, data/jpeg and data/prepare: small images, and what Pillow and torchvision make of them.

usage: make_goldens.py [CJPEG]      needs numpy, scipy, pillow, torch, torchvision; CJPEG is libjpeg-turbo's cjpeg

Written with Pillow 13.0.0 and torchvision 0.29.2. Nothing here is random: a second run writes the same pixels.
"""
import io, json, os, pathlib, struct, subprocess, sys, tempfile, zlib
import numpy as np
import scipy.io
import torch
from PIL import Image
from torchvision import datasets
from torchvision import transforms as T
from torchvision.transforms import functional as TF
from torchvision.transforms import v2

from pictures import picture, rgb, save

here = pathlib.Path(__file__).parent
formats, geometry = here / "formats", here / "geometry"
jpegs = here.parent / "jpeg" / "testdata"
cjpeg = sys.argv[1] if len(sys.argv) > 1 else "cjpeg"


def compress(im, *flags):
    ppm = io.BytesIO()
    im.save(ppm, "ppm")
    return subprocess.run([cjpeg, "-quality", "85", *flags], input=ppm.getvalue(), stdout=subprocess.PIPE, check=True).stdout


def write_jpegs():
    im = picture(61, 47)
    cmyk = save(im.convert("CMYK"), "jpeg", quality=85)
    at = cmyk.index(b"Adobe") + 11
    files = {
        "444": compress(im, "-sample", "1x1"), "422": compress(im, "-sample", "2x1"), "420": compress(im, "-sample", "2x2"),
        "440": compress(im, "-sample", "1x2"), "411": compress(im, "-sample", "4x1"), "410": compress(im, "-sample", "4x2"),
        "gray": compress(im, "-grayscale"), "progressive": compress(im, "-progressive"),
        "progressive_gray": compress(im, "-progressive", "-grayscale"), "restart": compress(im, "-restart", "1"),
        "arithmetic": compress(im, "-arithmetic"), "adobe_rgb": compress(im, "-rgb"), "narrow": compress(im.crop((0, 0, 3, 47))),
        "low": compress(im.crop((0, 0, 61, 2))), "one": compress(im.crop((0, 0, 1, 1))),
        "cmyk": cmyk, "ycck": cmyk[:at] + b"\x02" + cmyk[at + 1:],  # the same bytes, declared as YCCK
        "garbage_after_end": compress(im, "-sample", "2x2") + b"left over" * 9,
    }
    for name, data in files.items():
        (jpegs / (name + ".jpg")).write_bytes(data)
        rgb(data).save(jpegs / (name + ".png"), optimize=True)


def png16(im, color):
    """A PNG of 16 bits a sample, which Pillow cannot write in color. Its low bytes are noise."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    a = np.asarray(im.convert("RGB" if color else "L")).astype(np.uint32) * 256
    a += np.arange(a.size, dtype=np.uint32).reshape(a.shape) * 37 % 256
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in a)
    head = struct.pack(">IIBBBBB", im.width, im.height, 16, 2 if color else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_formats():
    im = picture(29, 22)
    alpha = Image.linear_gradient("L").resize(im.size)
    rgba = im.copy(); rgba.putalpha(alpha)
    la = im.convert("L"); la.putalpha(alpha)
    palette = im.quantize(40)
    noisy = palette.copy(); noisy.info["transparency"] = 3
    text = " ".join(map(str, np.asarray(im).flatten()))
    files = {
        "gray.png": save(im.convert("L"), "png"), "rgb.png": save(im, "png"), "rgba.png": save(rgba, "png"), "la.png": save(la, "png"),
        "bits1.png": save(im.convert("1"), "png"), "bits2.png": save(im.quantize(4), "png", bits=2), "palette.png": save(palette, "png"),
        "palette_transparent.png": save(palette, "png", transparency=3), "rgb_transparent.png": save(im, "png", transparency=(255, 255, 255)),
        "rgb16.png": png16(im, True), "gray16.png": png16(im, False),
        "still.gif": save(palette, "gif"), "animated.gif": save(palette, "gif", save_all=True, append_images=[palette.rotate(180)]),
        "lossy.webp": save(im.resize((61, 47)), "webp", quality=90), "lossless.webp": save(im, "webp", lossless=True),
        "alpha.webp": save(rgba, "webp", quality=90), "lossless_alpha.webp": save(rgba, "webp", lossless=True, exact=True),
        "rgb.bmp": save(im, "bmp"), "gray.bmp": save(im.convert("L"), "bmp"), "palette.bmp": save(palette, "bmp"),
        "rgb.tif": save(im, "tiff"), "lzw.tif": save(im, "tiff", compression="tiff_lzw"), "deflate.tif": save(im, "tiff", compression="tiff_adobe_deflate"),
        "gray.tif": save(im.convert("L"), "tiff"), "rgba.tif": save(rgba, "tiff"), "palette.tif": save(palette, "tiff"),
        "rgb.ppm": save(im, "ppm"), "gray.pgm": save(im.convert("L"), "ppm"),
        "text.ppm": f"P3\n# a comment\n{im.width} {im.height}\n255\n{text}\n".encode(),
        "wide.ppm": b"P6 29 22 65535\n" + (np.asarray(im).astype(">u2") * 257).tobytes(),
        "png_named.jpeg": save(im, "png"), "jpeg_named.png": save(im, "jpeg", quality=90), "exif_rotated.jpg": save(im, "jpeg", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
    }
    for old in formats.glob("*"):
        old.unlink()
    for name, data in files.items():
        (formats / name).write_bytes(data)
        want = rgb(data)
        if name == "gray16.png":  # Pillow clips it to white; the high byte is what anyone means
            want = im.convert("L").convert("RGB")
        want.info.clear()  # no transparency in the golden
        want.save(formats / (name + ".want"), "png", optimize=True)


def write_geometry():
    """Evaluation and crops of one photograph-like JPEG, by torchvision on Pillow images and on tensors."""
    cases = []
    for w, h in [(150, 113), (97, 160), (40, 40), (33, 200), (20, 31)]:
        name = f"{w}x{h}.jpg"
        data = save(picture(w, h), "jpeg", quality=92)
        (geometry / name).write_bytes(data)
        im = rgb(data)
        tensor = TF.pil_to_tensor(im)
        for interpolation, suffix in [("bilinear", ""), ("bicubic", "_bicubic")]:
            mode = T.InterpolationMode(interpolation)
            for resize, size in [(36, 32), (32, 32), (47, 40)]:
                case = {"image": name, "resize": resize, "resolution": size, "interpolation": interpolation}
                case |= {"pillow": f"{w}x{h}_{resize}_{size}{suffix}.pillow", "tensor": f"{w}x{h}_{resize}_{size}{suffix}.tensor"}
                T.Compose([T.Resize(resize, mode), T.CenterCrop(size)])(im).save(geometry / case["pillow"], "png", optimize=True)
                steps = v2.Compose([v2.Resize(resize, mode, antialias=True), v2.CenterCrop(size)])  # on bytes; v1 of the transforms goes through floats
                TF.to_pil_image(steps(tensor)).save(geometry / case["tensor"], "png", optimize=True)
                cases.append(case)
            for i, (x, y, cw, ch) in enumerate([(0, 0, w, h), (w // 3, h // 4, w // 2, h // 3), (w // 2, 1, w // 4, h // 2)]):
                case = {"image": name, "crop": [x, y, cw, ch], "resolution": 32, "interpolation": interpolation}
                case |= {"pillow": f"{w}x{h}_crop{i}{suffix}.pillow", "tensor": f"{w}x{h}_crop{i}{suffix}.tensor"}
                TF.resized_crop(im, y, x, ch, cw, [32, 32], mode, antialias=True).save(geometry / case["pillow"], "png", optimize=True)
                TF.to_pil_image(v2.functional.resized_crop(tensor, y, x, ch, cw, [32, 32], mode, antialias=True)).save(geometry / case["tensor"], "png", optimize=True)
                cases.append(case)
    (geometry / "cases.json").write_text(json.dumps(cases, indent=0))


def write_crop_statistics():
    """Means and deviations of torchvision's RandomResizedCrop boxes."""
    torch.manual_seed(1)
    out = []
    for w, h, scale, ratio in [(500, 375, (0.08, 1), (3 / 4, 4 / 3)), (375, 500, (0.35, 1), (3 / 4, 4 / 3)), (300, 40, (0.08, 1), (3 / 4, 4 / 3)), (64, 64, (0.5, 0.5), (1, 1))]:
        im = torch.empty(3, h, w)
        boxes = torch.tensor([T.RandomResizedCrop.get_params(im, scale, ratio) for _ in range(20000)]).double()[:, [1, 0, 3, 2]]
        out.append({"width": w, "height": h, "scale": scale, "ratio": ratio, "mean": boxes.mean(0).tolist(), "deviation": boxes.std(0).tolist()})
    (here / "crops.json").write_text(json.dumps(out, indent=0))


def write_folder_order():
    """What torchvision.datasets.ImageFolder makes of a tree with awkward names (bytes in hexadecimal)."""
    names = [b"b/1.jpg", b"b/10.JPEG", b"b/2.png", b"b/.jpg", b"b/.hidden.png", b"b/notes.txt", b"b/x.jpg.txt", b"b/sub/0.webp", b"b/sub.a/0.tiff", b"b/sub-a/0.bmp",
             b"b/SUB/deep/er/0.pgm", b"B/z.JPG", b"B/a.Jpg", b"\xc3\xa9/\xc3\xbc.jpg", b"\xc3\xa9/u.jpg", b"\xc3\xa9/\xf0\x9f\x98\x80.jpg", b"\xc3\xa9/\xef\xbf\xae.jpg",
             b"\xff\xfe/\xe9.jpg", b"\xff\xfe/e.jpg", b"\xc3\xa9/\xff.jpg", b"\xc3\xa9/e\xcc\x81.jpg", b"a b/%20.ppm", b"10/a.tif", b"9/a.jpg", b".class/a.jpg",
             b"x.jpg/inside.jpg", b"b/folder.jpg/c.jpg", b"\xef\xbf\xae/a.jpg", b"\xf0\x9f\x98\x80/a.jpg"]
    with tempfile.TemporaryDirectory() as top:
        for n in names:
            path = pathlib.Path(os.fsdecode(os.path.join(os.fsencode(top), n)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        got = datasets.ImageFolder(top)
        hexed = lambda s: os.fsencode(s).hex()
        golden = {"files": [n.hex() for n in names], "classes": [hexed(c) for c in got.classes], "samples": [[hexed(os.path.relpath(p, top)), c] for p, c in got.samples]}
    (here / "folder.json").write_text(json.dumps(golden, indent=0))


def write_devkit_meta():
    """A meta.mat like ImageNet's, of three classes and an inner node."""
    rows = [(1, "n02119789", "kit fox, Vulpes macrotis", 0), (2, "n02100735", "English setter", 0), (3, "n01440764", "tench, Tinca tinca", 0), (4, "n00001740", "entity", 3)]
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
    synsets = np.zeros((len(rows), 1), dtype=[(f, object) for f in fields])
    for i, (number, wnid, words, n) in enumerate(rows):
        values = [np.uint8([[number]]), wnid, words, "gloss \u00e9", np.float64([[n]]), np.float64([list(range(1, n + 1))]), np.int16([[-3]]), np.uint16([[1300]])]
        for f, v in zip(fields, values):
            synsets[f][i, 0] = v
    for name, packed in [("meta.mat", True), ("meta_plain.mat", False)]:
        scipy.io.savemat(here.parent.parent / "prepare" / "testdata" / name, {"synsets": synsets, "version": np.float32([[1.5]])}, do_compression=packed)


if __name__ == "__main__":
    for folder in (jpegs, formats, geometry):
        folder.mkdir(exist_ok=True)
    write_jpegs()
    write_formats()
    write_geometry()
    write_crop_statistics()
    write_folder_order()
    write_devkit_meta()
