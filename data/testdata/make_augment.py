"""Writes augment.json: what torchvision.transforms.v2 makes of small pictures on uint8 tensors, and how it draws.

usage: make_augment.py      needs numpy, pillow, torch, torchvision; written with torch 2.15.0 and torchvision 0.29.2 on a
processor with AVX-512. The pictures are a formula that augment_golden_test.go knows too. A second run writes the same.
"""
import collections, hashlib, json, math, pathlib
import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.io import decode_jpeg, read_file
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

torch.manual_seed(1)
torch.set_num_threads(1)


def picture(kind, width, height):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    v = ((x * (3 + c) + y * (5 - c) + x * y // (7 + c)) ^ (x >> 3)) & 255
    v = {"wide": v, "narrow": 60 + v // (3 + c), "flat": 0 * v + 40 * c, "two": np.where(x + y < 30, 7, 200 + c)}[kind]
    return torch.from_numpy(v.astype(np.uint8)).permute(2, 0, 1).contiguous()


def digest(image):
    return hashlib.sha256(image.permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()[:16]


def shear(x, y):
    return lambda im, m: F.affine(im, angle=0.0, translate=[0, 0], scale=1.0, center=[0, 0],
                                  shear=[x * math.degrees(math.atan(m)), y * math.degrees(math.atan(m))])


def translate(x, y):
    return lambda im, m: F.affine(im, angle=0.0, translate=[x * int(m), y * int(m)], scale=1.0, shear=[0.0, 0.0])


OPERATIONS = {  # function, and the range of its argument
    "brightness": (F.adjust_brightness, 0, 2), "contrast": (F.adjust_contrast, 0, 2),
    "saturation": (F.adjust_saturation, 0, 2), "sharpness": (F.adjust_sharpness, 0, 2),
    "hue": (F.adjust_hue, -0.5, 0.5), "posterize": (lambda im, m: F.posterize(im, int(m)), 0, 8.99),
    "solarize": (F.solarize, 0, 255), "autocontrast": (lambda im, m: F.autocontrast(im), 0, 0),
    "equalize": (lambda im, m: F.equalize(im), 0, 0), "shearX": (shear(1, 0), -1, 1), "shearY": (shear(0, 1), -1, 1),
    "translateX": (translate(1, 0), -40, 40), "translateY": (translate(0, 1), -40, 40), "rotate": (F.rotate, -180, 180),
}
PICTURES = [("wide", 224, 224), ("wide", 37, 21), ("narrow", 96, 96), ("narrow", 224, 96), ("two", 48, 48), ("flat", 8, 8),
            ("wide", 3, 3), ("wide", 2, 5), ("wide", 1, 1)]


def operations():
    rng = np.random.default_rng(7)
    cases = []
    for name, (f, low, high) in OPERATIONS.items():
        for p in PICTURES:
            args = [low] if low == high else [low, high, (low + high) / 2] + list(rng.uniform(low, high, 6))
            for m in args:
                m = round(float(m), 6)
                cases.append([name, *p, m, digest(f(picture(*p), m))])
    return cases


def policy(t, side, magnitudes):
    """Every operation with every magnitude: name, magnitude, what becomes of a picture."""
    cases = []
    im = picture("wide", side, side)
    for name, (values, signed) in t._AUGMENTATION_SPACE.items():
        values = values(31, side, side)
        chosen = [0.0] if values is None else [float(values[i]) for i in magnitudes]
        for m in chosen:
            for sign in (1, -1) if signed else (1,):
                out = t._apply_image_or_video_transform(im, name, sign * m, interpolation=t.interpolation, fill=t._fill)
                cases.append([name, sign * m, digest(out)])
    return cases


def drawn(t, n):
    """How often each operation is drawn, and with which sum of signs."""
    count, signs = collections.Counter(), collections.Counter()
    apply = t._apply_image_or_video_transform

    def note(image, name, magnitude, **_):
        count[name] += 1
        signs[name] += (magnitude > 0) - (magnitude < 0)
        return image
    t._apply_image_or_video_transform = note
    im = picture("wide", 24, 24)
    for _ in range(n):
        t(im)
    t._apply_image_or_video_transform = apply
    return {name: [count[name] / n, signs[name] / n] for name in t._AUGMENTATION_SPACE}


def moments(rows):
    rows = np.array(rows, float)
    return {"mean": rows.mean(0).round(5).tolist(), "deviation": rows.std(0).round(5).tolist()}


def erased(width, height, n):
    t, im, rows = v2.RandomErasing(p=1), picture("wide", width, height), []
    for _ in range(n):
        p = t.make_params([im])
        rows.append([p["j"], p["i"], p["w"], p["h"]])
    return {"width": width, "height": height, **moments(rows)}


def jittered(values, n):
    t, rows, first = v2.ColorJitter(*values), [], collections.Counter()
    for _ in range(n):
        p = t.make_params([])
        rows.append([p[k] for k in ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")])
        first[int(p["fn_idx"][0])] += 1
    return {"jitter": values, **moments(rows)}


def mixed(alpha, n):
    t, side = v2.CutMix(alpha=alpha, num_classes=2), 56
    im, rows, shares = picture("wide", side, side), [], []
    for _ in range(n):
        p = t.make_params([im])
        x1, y1, x2, y2 = p["box"]
        rows.append([x1, y1, x2, y2, p["lam_adjusted"]])
        shares.append(float(t._dist.sample(())))
    return {"alpha": alpha, "side": side, "quantiles": np.quantile(shares, np.arange(0.1, 0.95, 0.1)).round(5).tolist(), **moments(rows)}


def letterboxed():
    """Pillow's ImageOps.pad says where an image lies, torchvision's resize what it looks like there."""
    cases = []
    for path in sorted((pathlib.Path(__file__).parent / "geometry").glob("*.jpg")):
        image = decode_jpeg(read_file(str(path)))
        for side in (32, 57, 224):
            white = Image.new("L", (image.shape[2], image.shape[1]), 255)
            left, top, right, bottom = ImageOps.pad(white, (side, side)).getbbox()
            small = F.resize(image, [bottom - top, right - left], antialias=True)
            out = F.pad(small, [left, top, side - right, side - bottom])
            cases.append([path.name, side, digest(out)])
    return cases


def main():
    rand, trivial = v2.RandAugment(), v2.TrivialAugmentWide()
    golden = {
        "operations": operations(),
        "randaug": {str(side): policy(rand, side, [9]) for side in (24, 128, 224)},
        "trivial": {str(side): policy(trivial, side, range(31)) for side in (64,)},
        "drawn": {"randaug": drawn(rand, 20000), "trivial": drawn(trivial, 20000)},
        "erased": [erased(224, 224, 20000), erased(48, 32, 20000)],
        "jittered": [jittered(v, 20000) for v in ([0.4, 0.4, 0.4, 0.1], [0.8, 1.5, 0.2, 0.5])],
        "letterboxed": letterboxed(),
        "mixed": [mixed(a, 20000) for a in (0.2, 1.0, 3.0)],
    }
    lines = json.dumps(golden, separators=(",", ":")).replace("],[", "],\n[")
    pathlib.Path(__file__).with_name("augment.json").write_text(lines + "\n")


main()
