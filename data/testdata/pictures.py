"""What make_goldens.py and make_troubles.py draw."""
import io
import numpy as np
from PIL import Image, ImageDraw


def picture(w, h):
    """Smooth color, fine stripes and hard edges, so that every step of a decoder shows."""
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


def save(im, fmt, **options):
    out = io.BytesIO()
    im.save(out, fmt, **options)
    return out.getvalue()


def rgb(data):
    return Image.open(io.BytesIO(data)).convert("RGB")
