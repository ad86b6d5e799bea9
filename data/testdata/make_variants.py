"""Writes the golden files of variants_test.go: variants of TIFF, BMP, PNM and PNG, and the pixels that Pillow sees in them.

usage: make_variants.py      needs numpy, pillow, tifffile, imagecodecs

Written with Pillow 13.0.0 and tifffile 2026.3.3. Nothing here is random: a second run writes the same pixels.
"""
import io, pathlib, struct, zlib
import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

from pictures import picture, rgb, save

here = pathlib.Path(__file__).parent / "variants"
W, H = 29, 22
im = picture(W, H)
a = np.asarray(im)
gray = np.asarray(im.convert("L"))
alpha = np.asarray(Image.linear_gradient("L").resize((W, H))).copy()
bits = np.asarray(im.convert("1"))
index = im.quantize(16)
white = np.zeros((H, W, 3), np.uint8)


def tif(data, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, data, metadata=None, software=False, **options)
    return out.getvalue()


def ifd(tags, data, order="<"):
    """A TIFF file of one strip: tags are (tag, type, values); the strip's tags are added except where given."""
    sizes = {1: "B", 3: "H", 4: "I", 5: "I", 11: "f"}
    given = {t for t, _, _ in tags}
    tags = [t for t in tags if t[2] is not None]
    for tag, kind, values in [(256, 4, [W]), (257, 4, [H]), (273, 4, [8]), (278, 4, [H]), (279, 4, [len(data)])]:
        if tag not in given:
            tags.append((tag, kind, values))
    tags.sort()
    data += b"\0" * (len(data) % 2)
    extra, entries, at = b"", b"", 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        body = struct.pack(f"{order}{len(values)}{sizes[kind]}", *values)
        count = len(values) // 2 if kind == 5 else len(values)
        if len(body) > 4:
            value, extra = struct.pack(order + "I", at + len(extra)), extra + body + b"\0" * (len(body) % 2)
        else:
            value = body.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, count) + value
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0" + extra


def pack(values, depth, reverse=False):
    """Rows of samples of 1, 2, 4 or 12 bits."""
    rows = b""
    for row in values:
        line = "".join(format(int(v), f"0{depth}b") for v in row)
        line += "0" * (-len(line) % 8)
        rows += bytes(int(line[i:i + 8], 2) for i in range(0, len(line), 8))
    return flip(rows) if reverse else rows


def flip(data):
    return bytes(int(format(b, "08b")[::-1], 2) for b in data)


def fax(compression, options=0, image=None, **tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if options:
        info[292] = options
    for tag, value in tags.items():
        info[int(tag[1:])] = value
    return save(image or im.convert("1"), "tiff", compression=compression, tiffinfo=info)


def runs():
    """Runs of every length from 1 to 74 and of multiples of 64 up to 2560, in both colors, also at the row's ends."""
    rows = []
    for n in list(range(1, 75, 3)) + list(range(64, 2624, 64)):
        row = np.zeros(2700, bool)
        for at in range(n, 2700, 2 * n):
            row[at:at + n] = True
        rows += [row, ~row]
    return Image.fromarray(np.array(rows))


def subsampled(h, v):
    """YCbCr whose chroma samples are shared by h x v pixels."""
    y, cb, cr = (np.asarray(c) for c in im.convert("YCbCr").split())
    data = b""
    for top in range(0, H, v):
        for left in range(0, W, h):
            for dy in range(v):
                for dx in range(h):
                    data += bytes([y[min(top + dy, H - 1), min(left + dx, W - 1)]])
            data += bytes([cb[top, left], cr[top, left]])
    return data


RGB = [(258, 3, [8, 8, 8]), (262, 3, [2]), (277, 3, [3])]


def one(depth, photometric):
    return [(258, 3, [depth]), (262, 3, [photometric])]


def tiffs():
    ycc, raw = im.convert("YCbCr"), a.tobytes()
    g2, g4 = gray >> 6, gray >> 4
    g32 = gray.astype(np.int32) * 2 - 100
    f32 = gray.astype(np.float32) * 1.7 - 60.3
    cmyk = np.asarray(im.convert("CMYK")).copy()
    cmyk[..., 3] = alpha
    five = np.dstack([a, alpha, alpha])
    pal = list(np.asarray(index.getpalette()[:48]).reshape(-1, 3).T.flatten() * 257)
    deflated = zlib.compress(raw)
    wide = a.astype(np.uint16) * 257 ^ 0x35
    files = {
        # layout
        "big": tif(a, photometric="rgb", bigtiff=True), "big_motorola": tif(a, photometric="rgb", bigtiff=True, byteorder=">", compression="zlib"),
        "motorola": tif(a, photometric="rgb", byteorder=">"), "strips": tif(a, photometric="rgb", rowsperstrip=5, compression="lzw"),
        "tiles": tif(a, photometric="rgb", tile=(16, 16), compression="zlib"), "tiles_raw": tif(a, photometric="rgb", tile=(16, 16)),
        "planes": tif(np.moveaxis(a, 2, 0), photometric="rgb", planarconfig="separate"),
        "planes_lzw": tif(np.moveaxis(a, 2, 0), photometric="rgb", planarconfig="separate", compression="lzw", rowsperstrip=5, predictor=True),
        "planes_tiles": tif(np.moveaxis(a, 2, 0), photometric="rgb", planarconfig="separate", compression="zlib", tile=(16, 16)),
        "planes_extra": tif(np.moveaxis(five, 2, 0), photometric="rgb", planarconfig="separate", extrasamples=(0, 0), compression="zlib"),
        "no_byte_counts": ifd(RGB + [(279, 4, None)], raw), "no_byte_counts_deflate": ifd(RGB + [(279, 4, None), (259, 3, [8])], deflated),
        "no_rows_per_strip": ifd(RGB + [(278, 4, None)], raw), "no_photometric": ifd([(258, 3, [8])], gray.tobytes()),
        "turned_big": tif(a, photometric="rgb", bigtiff=True, extratags=[(274, 3, 1, 6, True)]),
        # samples
        **{f"gray{d}_{n}": ifd(one(d, p), pack(v, d)) for d, v in [(1, bits), (2, g2), (4, g4), (8, gray)] for p, n in [(0, "white"), (1, "black")]},
        "gray1_reversed": ifd(one(1, 1) + [(266, 3, [2])], pack(bits, 1, True)), "gray4_reversed": ifd(one(4, 0) + [(266, 3, [2])], pack(g4, 4, True)),
        "rgb_reversed": ifd(RGB + [(266, 3, [2])], flip(raw)), "deflate_reversed": ifd(RGB + [(266, 3, [2]), (259, 3, [8])], flip(deflated)),
        "gray_packbits": tif(gray, compression="packbits"), "gray2_deflate": ifd(one(2, 0) + [(259, 3, [8])], zlib.compress(pack(g2, 2))),
        "int8": tif(gray.view(np.int8), photometric="minisblack"), "int16": tif(g32.astype(np.int16)), "int16_motorola": tif(g32.astype(np.int16), byteorder=">"),
        "int32": tif(g32), "int32_motorola": tif(g32, byteorder=">"), "uint32": tif(gray.astype(np.uint32) * 2), "int32_lzw": tif(g32, compression="lzw", predictor=True),
        "float": tif(f32), "float_motorola": tif(f32, byteorder=">"), "float_white": tif(f32, photometric="miniswhite"),
        "float_predictor": tif(f32, compression="zlib", predictor=3), "float_predictor_motorola": tif(f32, compression="zlib", predictor=3, byteorder=">"),
        "rgb16": tif(wide, photometric="rgb"), "rgb16_motorola": tif(wide, photometric="rgb", byteorder=">", compression="lzw", predictor=True),
        "rgb16_planes": tif(np.moveaxis(wide, 2, 0), photometric="rgb", planarconfig="separate", compression="zlib"),
        "gray16": tif(gray.astype(np.uint16) * 256 + 77), "gray16_motorola": tif(gray.astype(np.uint16) * 256 + 77, byteorder=">", compression="zlib", predictor=True),
        "gray12": ifd(one(12, 1), pack(gray.astype(int) * 16 + 7, 12)),
        # extra samples
        "la": tif(np.dstack([gray, alpha]), photometric="minisblack", extrasamples=(2,), planarconfig="contig"),
        "la_associated": tif(np.dstack([np.minimum(gray, alpha), alpha]), photometric="minisblack", extrasamples=(1,), planarconfig="contig"),
        "gray_extra": tif(np.dstack([gray, alpha]), photometric="minisblack", extrasamples=(0,), planarconfig="contig"),
        "rgba": tif(np.dstack([a, alpha]), photometric="rgb", extrasamples=(2,), compression="zlib"),
        "rgba_associated": tif(np.dstack([np.minimum(a, alpha[..., None]), alpha]), photometric="rgb", extrasamples=(1,)),
        "rgba16_associated": tif(np.dstack([np.minimum(a, alpha[..., None]), alpha]).astype(np.uint16) * 257, photometric="rgb", extrasamples=(1,)),
        "rgba_unspecified": ifd([(258, 3, [8] * 4), (262, 3, [2]), (277, 3, [4])], np.dstack([a, alpha]).tobytes()),
        "five": tif(five, photometric="rgb", extrasamples=(0, 0)), "five_associated": tif(np.dstack([np.minimum(a, alpha[..., None]), alpha, alpha]), photometric="rgb", extrasamples=(1, 0)),
        # colors
        "palette4": ifd(one(4, 3) + [(320, 3, pal)], pack(np.asarray(index), 4)), "palette1": ifd(one(1, 3) + [(320, 3, [5 * 257, 65535, 90 * 257, 0, 0, 200 * 257])], pack(bits, 1)),
        "palette2": ifd(one(2, 3) + [(320, 3, [c for k in range(3) for c in pal[16 * k:16 * k + 4]])], pack(np.asarray(index) & 3, 2)),
        "cmyk": tif(cmyk, photometric="separated"), "cmyk_lzw": tif(cmyk, photometric="separated", compression="lzw", predictor=True),
        "cmyk16": tif(cmyk.astype(np.uint16) * 257, photometric="separated"), "cmyk_five": tif(np.dstack([cmyk, alpha]), photometric="separated", extrasamples=(0,)),
        "ycbcr": save(ycc, "tiff"), "ycbcr_lzw": save(ycc, "tiff", compression="tiff_lzw"),
        **{f"ycbcr_{h}x{v}": ifd([(258, 3, [8, 8, 8]), (259, 3, [8]), (262, 3, [6]), (277, 3, [3]), (530, 3, [h, v])], zlib.compress(subsampled(h, v)))
           for h, v in [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)]},
        "ycbcr_reference": ifd([(258, 3, [8, 8, 8]), (259, 3, [8]), (262, 3, [6]), (277, 3, [3]), (530, 3, [1, 1]), (529, 11, [0.2126, 0.7152, 0.0722]),
                                (532, 5, [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1])], zlib.compress(np.asarray(ycc).tobytes())),
        "lab": save(Image.fromarray(np.dstack([gray, a[..., 0] // 2 + 64, a[..., 2] // 2 + 64]), "LAB"), "tiff"),
        # compressions
        "packbits": save(im, "tiff", compression="packbits"), "zstd": tif(a, photometric="rgb", compression="zstd", rowsperstrip=7), "old_deflate": ifd(RGB + [(259, 3, [32946])], deflated),
        "lzma": save(im, "tiff", compression="lzma"), "lzma16": tif(wide, photometric="rgb", compression="lzma", rowsperstrip=7),
        "zstd_predictor": tif(a, photometric="rgb", compression="zstd", predictor=True),
        "jpeg": save(im, "tiff", compression="jpeg"), "jpeg_gray": save(im.convert("L"), "tiff", compression="jpeg"), "jpeg_cmyk": save(Image.fromarray(cmyk, "CMYK"), "tiff", compression="jpeg"),
        "jpeg_ycbcr": tif(a, photometric="rgb", compression="jpeg", compressionargs={"level": 85}, subsampling=(2, 2)), "jpeg_tiles": tif(a, photometric="rgb", compression="jpeg", tile=(16, 16), subsampling=(1, 1)),
        # fax
        "fax_huffman": fax("tiff_ccitt"), "fax_group3": fax("group3"), "fax_group3_2d": fax("group3", 1), "fax_group3_fill": fax("group3", 4), "fax_group4": fax("group4"),
        "fax_group4_white": fax("group4", t262=0), "fax_group3_white": fax("group3", t262=0), "fax_group4_reversed": fax("group4", t266=2), "fax_group3_reversed": fax("group3", t266=2),
        "fax_runs_huffman": fax("tiff_ccitt", image=runs()), "fax_runs_group3": fax("group3", image=runs()), "fax_runs_group3_2d": fax("group3", 1, image=runs()), "fax_runs_group4": fax("group4", image=runs()),
    }
    return {name + ".tif": data for name, data in files.items()}


def exceptions():
    """The pixels of files that Pillow refuses or reads in another way than we do."""
    associated = Image.fromarray(np.minimum(np.minimum(gray, alpha).astype(int) * 255 // np.maximum(alpha, 1), 255).astype(np.uint8) * (alpha > 0))
    return {
        # clipped to nearly white; we take the highest 8 bits
        "gray16.tif": im.convert("L"), "gray16_motorola.tif": im.convert("L"), "gray12.tif": im.convert("L"),
        # compressed samples of 32 bits with their bytes in the wrong order
        "float_predictor_motorola.tif": Image.fromarray(gray.astype(np.float32) * 1.7 - 60.3),
        "big_motorola.tif": im, "la_associated.tif": associated,  # refused
    }


def write(files):
    ours = exceptions()
    for name, data in files.items():
        want = ours[name].convert("RGB") if name in ours else rgb(data)
        want.info.clear()
        (here / name).write_bytes(data)
        want.save(here / (name + ".want"), "png", optimize=True)


if __name__ == "__main__":
    for old in here.glob("*"):
        old.unlink()
    write(tiffs())
