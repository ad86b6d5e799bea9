"""Writes the golden files of troubles_test.go and exif_test.go: awkward images, and the pixels that Pillow sees in them.

usage: make_troubles.py      needs numpy, pillow (with AVIF), torchvision; runs after make_goldens.py

Written with Pillow 13.0.0 and torchvision 0.29.2. Nothing here is random: a second run writes the same pixels.
"""
import io, json, pathlib, struct, zlib
import numpy as np
from PIL import Image, ImageOps
from torchvision import transforms as T
from torchvision.transforms import functional as TF

from pictures import picture, rgb, save

here = pathlib.Path(__file__).parent
troubles, exifs = here / "troubles", here / "exif"


def exif(orientation, order="II"):
    """EXIF data with nothing but an orientation."""
    o = "<" if order == "II" else ">"
    return order.encode() + struct.pack(o + "HIHHHIHHI", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def with_exif(jpeg, body):
    body = b"Exif\0\0" + body
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def interlaced(im):
    """A PNG in Adam7's seven passes, which Pillow reads but cannot write."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    a, rows = np.asarray(im), b""
    for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = a[y::dy, x::dx]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.shape[1] else b""
    head = struct.pack(">IIBBBBB", im.width, im.height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def damaged(jpeg):
    """Some bytes in the middle of the compressed data are wrong."""
    at = len(jpeg) * 2 // 3
    return jpeg[:at] + bytes(b ^ 0x5a if b not in (0xff, 0xa5) else b for b in jpeg[at:at + 6]) + jpeg[at + 6:]


def write_troubles():
    im = picture(29, 22)
    turned = im.rotate(180)
    alpha = Image.linear_gradient("L").resize(im.size)
    rgba = im.copy(); rgba.putalpha(alpha)
    jpeg = save(im, "jpeg", quality=85)
    tiff_exif = Image.Exif(); tiff_exif[0x112] = 6
    small = picture(29, 22).resize((9, 7))
    files = {
        "animated.webp": save(im, "webp", lossless=True, save_all=True, append_images=[turned], duration=100),
        "animated_lossy.webp": save(im.resize((61, 47)), "webp", quality=90, save_all=True, append_images=[turned.resize((61, 47))], duration=100),
        "animated_alpha.webp": save(rgba, "webp", lossless=True, exact=True, save_all=True, append_images=[rgba.rotate(180)], duration=100),
        "animated.png": save(im, "png", save_all=True, append_images=[turned], duration=100),
        "interlaced.png": interlaced(im), "damaged.jpg": damaged(save(picture(61, 47), "jpeg", quality=85)),
        "pages.tif": save(im, "tiff", save_all=True, append_images=[turned]), "turned.tif": save(im, "tiff", exif=tiff_exif),
        "two.mpo": save(im, "mpo", save_all=True, append_images=[turned], quality=85),
        "corrupt_exif.jpg": with_exif(jpeg, b"II*\0\xff\xff\xff\x7f" + b"\xff" * 40), "photo.avif": save(im, "avif", quality=50),
        "corner.gif": corner(small), "transparent.gif": save(im.quantize(40), "gif", transparency=3),
        "corner_transparent.gif": corner(small, transparency=2),
    }
    for name, data in files.items():
        (troubles / name).write_bytes(data)
        if name == "photo.avif":
            continue
        want = rgb(data)
        want.info.clear()
        want.save(troubles / (name + ".want"), "png", optimize=True)


def corner(small, **options):
    """A GIF whose frame is a part of its screen."""
    data = bytearray(save(small.quantize(4), "gif", **options))
    data[6:10] = struct.pack("<HH", 16, 12)
    at = data.index(b"\x2c\0\0\0\0\x09")
    data[at + 1:at + 5] = struct.pack("<HH", 5, 3)
    return bytes(data)


def write_exif():
    """One photograph in every orientation, evaluated and cropped as it is seen."""
    jpeg = (here / "geometry" / "97x160.jpg").read_bytes()
    cases = []
    for o in range(1, 9):
        data = with_exif(jpeg, exif(o, "II" if o % 2 else "MM"))
        im = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        x, y, w, h = 11, 7, 60, 40
        views = {"eval": T.CenterCrop(32)(T.Resize(36, antialias=True)(im)), "crop": TF.resized_crop(im, y, x, h, w, [32, 32], antialias=True)}
        for kind, view in views.items():
            view.save(exifs / f"{o}_{kind}.want", "png", optimize=True)
        cases.append({"orientation": o, "segment": exif(o, "II" if o % 2 else "MM").hex(), "width": im.width, "height": im.height, "crop": [x, y, w, h]})
    (exifs / "cases.json").write_text(json.dumps(cases, indent=0))
    im, six = picture(29, 22), Image.Exif()
    six[0x112] = 6
    for name, data in {"6.png": save(im, "png", exif=six), "6.webp": save(im, "webp", lossless=True, exif=six), "6.jpg": save(im, "jpeg", quality=90, exif=six)}.items():
        (exifs / name).write_bytes(data)
        want = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        want.info.clear()
        want.save(exifs / (name + ".want"), "png", optimize=True, exif=b"")


if __name__ == "__main__":
    for folder in (troubles, exifs):
        folder.mkdir(exist_ok=True)
    write_troubles()
    write_exif()
