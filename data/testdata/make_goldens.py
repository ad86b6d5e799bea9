"""Writes the golden files of packages data and data/jpeg: small images, and what Pillow and torchvision make of them.

usage: make_goldens.py [CJPEG]      needs numpy, pillow, torch, torchvision; CJPEG is libjpeg-turbo's cjpeg

Written with Pillow 13.0.0 and torchvision 0.29.2. Nothing here is random: a second run writes the same pixels.
"""
import io, json, math, pathlib, subprocess, sys
import numpy as np
from PIL import Image, ImageDraw

here = pathlib.Path(__file__).parent
jpegs = here.parent / "jpeg" / "testdata"
cjpeg = sys.argv[1] if len(sys.argv) > 1 else "cjpeg"


def picture(w, h):
    """Smooth colour, fine stripes and hard edges, so that every step of a decoder shows."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    r = 128 + 100 * np.sin(x / 9 + y / 17)
    g = 128 + 90 * np.cos(x / 5 - y / 7) * np.sin(y / 11)
    b = 128 + 120 * np.sin(x * y / 300)
    im = Image.fromarray(np.stack([r, g, b], 2).clip(0, 255).astype(np.uint8))
    d = ImageDraw.Draw(im)
    d.rectangle([w // 5, h // 4, w // 2, h // 2], outline=(255, 0, 0))
    d.line([0, h - 1, w - 1, 0], fill=(255, 255, 255))
    d.ellipse([w // 2, h // 2, w - 3, h - 3], fill=(10, 200, 60))
    return im


def compress(im, *flags):
    ppm = io.BytesIO()
    im.save(ppm, "ppm")
    return subprocess.run([cjpeg, "-quality", "85", *flags], input=ppm.getvalue(), stdout=subprocess.PIPE, check=True).stdout


def save(im, fmt, **options):
    out = io.BytesIO()
    im.save(out, fmt, **options)
    return out.getvalue()


def rgb(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


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


if __name__ == "__main__":
    jpegs.mkdir(exist_ok=True)
    write_jpegs()
