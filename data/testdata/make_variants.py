"""Writes the golden files of variants_test.go: variants of TIFF, BMP, PNM, PNG and GIF, and the pixels that Pillow sees in them.

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
    rgba = im.copy()
    rgba.putalpha(Image.fromarray(alpha))
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
        "gray16_white": tif(65535 - (gray.astype(np.uint16) * 256 + 77), photometric="miniswhite"), "gray12": ifd(one(12, 1), pack(gray.astype(int) * 16 + 7, 12)),
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
        "jpeg_white": tif(gray, photometric="miniswhite", compression="jpeg"), "jpeg_rgba": save(rgba, "tiff", compression="jpeg"),
        "jpeg_planes": tif(np.moveaxis(a, 2, 0), photometric="rgb", planarconfig="separate", compression="jpeg", tile=(16, 16)),
        "jpeg_planes_cmyk": tif(np.moveaxis(cmyk, 2, 0), photometric="separated", planarconfig="separate", compression="jpeg"),
        "jpeg_planes_la": tif(np.stack([gray, alpha]), photometric="minisblack", extrasamples=(2,), planarconfig="separate", compression="jpeg"),
        # fax
        "fax_huffman": fax("tiff_ccitt"), "fax_group3": fax("group3"), "fax_group3_2d": fax("group3", 1), "fax_group3_fill": fax("group3", 4), "fax_group4": fax("group4"),
        "fax_group4_white": fax("group4", t262=0), "fax_group3_white": fax("group3", t262=0), "fax_group4_reversed": fax("group4", t266=2), "fax_group3_reversed": fax("group3", t266=2),
        "fax_runs_huffman": fax("tiff_ccitt", image=runs()), "fax_runs_group3": fax("group3", image=runs()), "fax_runs_group3_2d": fax("group3", 1, image=runs()), "fax_runs_group4": fax("group4", image=runs()),
    }
    return {name + ".tif": data for name, data in files.items()}


def bmp(depth, pixels, header=40, compression=0, masks=b"", colors=(), height=H, used=0, width=W):
    """A BMP file; the palette and the masks follow the header."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, depth)
        table = b"".join(bytes(c[::-1]) for c in colors)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, len(pixels), 0, 0, used, 0)
        info = struct.pack("<I", header) + info[4:]
        if header > 40:
            info, masks = (info + masks).ljust(header, b"\0"), b""
        table = masks + b"".join(bytes(c[::-1]) + b"\0" for c in colors)
    at = 14 + len(info) + len(table)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at) + info + table + pixels


def rows(values, depth, up=True):
    """Rows of pixels, padded to 4 bytes, the lowest first."""
    lines = [pack([row], depth) if depth < 8 else row.tobytes() for row in values]
    return b"".join(line + b"\0" * (-len(line) % 4) for line in (lines[::-1] if up else lines))


def runs_of(values, half):
    """Run lengths: runs, literals, moves over color 0, ends of lines."""
    out = b""
    for y, row in enumerate(values[::-1]):
        x = 0
        while x < W:
            n = 1
            while x + n < W and row[x + n] == row[x]:
                n += 1
            v = int(row[x])
            if v == 0 and n < W - x and y % 2:
                out += bytes([0, 2, n, 0])
            elif n > 1:
                out += bytes([n, v * 17 if half else v])
            else:
                n = 1
                while x + n < W and row[x + n] != row[x + n - 1]:
                    n += 1
                lit = [int(v) for v in row[x:x + n]]
                if n < 3:
                    out += b"".join(bytes([1, v * 17 if half else v]) for v in lit)
                else:
                    body = bytes((lit + [0])[k] * 16 + (lit + [0])[k + 1] for k in range(0, n, 2)) if half else bytes(lit)
                    out += bytes([0, n]) + body + b"\0" * (len(body) % 2)
            x += n
        out += b"\0\0"
    return out + b"\0\1"


def bmps():
    pal = [tuple(c) for c in np.asarray(index.getpalette()[:48]).reshape(-1, 3).tolist()]
    idx = np.asarray(index)
    moves = b"\5\3\0\2\7\2\6\4" + b"\0\0\0\0\0\1"  # two runs with a move between them, an empty row, the end
    b555 = (a[..., 0].astype(np.uint16) >> 3) << 10 | (a[..., 1].astype(np.uint16) >> 3) << 5 | a[..., 2] >> 3
    b565 = (a[..., 0].astype(np.uint16) >> 3) << 11 | (a[..., 1].astype(np.uint16) >> 2) << 5 | a[..., 2] >> 3
    bgr, bgra = a[..., ::-1].copy(), np.dstack([a[..., ::-1], alpha])
    abgr = np.dstack([alpha, a[..., ::-1]])
    m = lambda *v: struct.pack(f"<{len(v)}I", *v)
    files = {
        "pal1": bmp(1, rows(bits, 1), colors=[(9, 80, 200), (250, 240, 10)]), "gray1": bmp(1, rows(bits, 1), colors=[(0, 0, 0), (255, 255, 255)]),
        "pal4": bmp(4, rows(idx, 4), colors=pal), "pal4_used": bmp(4, rows(idx % 9, 4), colors=pal[:9], used=9), "pal8": bmp(8, rows(idx, 8), colors=pal, used=16),
        "pal8_short": bmp(8, rows(gray // 12, 8), colors=pal, used=16), "gray8": bmp(8, rows(gray, 8), colors=[(k, k, k) for k in range(256)]),
        "rle8": bmp(8, runs_of(idx, False), compression=1, colors=pal, used=16), "rle4": bmp(4, runs_of(idx, True), compression=2, colors=pal),
        "rle8_runs": bmp(8, runs_of(idx // 6, False), compression=1, colors=pal, used=16), "rle4_runs": bmp(4, runs_of(idx // 6, True), compression=2, colors=pal),
        "555": bmp(16, rows(b555, 16)), "565": bmp(16, rows(b565, 16), compression=3, masks=m(0xF800, 0x7E0, 0x1F)), "555_masks": bmp(16, rows(b555, 16), compression=3, masks=m(0x7C00, 0x3E0, 0x1F)),
        "565_v4": bmp(16, rows(b565, 16), header=108, compression=3, masks=m(0xF800, 0x7E0, 0x1F, 0)), "565_v2": bmp(16, rows(b565, 16), header=52, compression=3, masks=m(0xF800, 0x7E0, 0x1F)),
        "24_top_down": bmp(24, rows(bgr, 24, up=False), height=-H), "24_v4": bmp(24, rows(bgr, 24), header=108), "24_v5": bmp(24, rows(bgr, 24), header=124),
        "32": bmp(32, rows(bgra, 32)), "32_masks": bmp(32, rows(bgra, 32), compression=3, masks=m(0xFF0000, 0xFF00, 0xFF)),
        "32_v5": bmp(32, rows(bgra, 32), header=124, compression=3, masks=m(0xFF0000, 0xFF00, 0xFF, 0xFF000000)), "32_v3": bmp(32, rows(bgra, 32), header=56, compression=3, masks=m(0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        "32_abgr": bmp(32, rows(abgr, 32), header=108, compression=3, masks=m(0xFF000000, 0xFF0000, 0xFF00, 0xFF)), "32_no_masks": bmp(32, rows(bgra, 32), compression=3, masks=m(0, 0, 0)),
        "32_rgba": bmp(32, rows(np.dstack([a, alpha]), 32), header=124, compression=3, masks=m(0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        "os2": bmp(24, rows(bgr, 24), header=12), "os2_pal4": bmp(4, rows(idx, 4), header=12, colors=pal), "os2_pal1": bmp(1, rows(bits, 1), header=12, colors=[(9, 80, 200), (250, 240, 10)]),
        "os2_v2": bmp(24, rows(bgr, 24), header=64), "os2_v2_pal8": bmp(8, rows(idx, 8), header=64, colors=pal, used=16), "os2_v2_rle8": bmp(8, runs_of(idx, False), header=64, compression=1, colors=pal, used=16),
    }
    return {name + ".bmp": data for name, data in files.items()}


def pnms():
    size = f"{W} {H}\n".encode()
    text = lambda v: " ".join(str(int(x)) for x in np.asarray(v).flatten()).encode()
    files = {
        "p1.pgm": b"P1\n# black is 1\n" + size + "\n".join("".join("01"[not b] for b in row) for row in bits).encode(), "p1_spaces.pgm": b"P1 " + size + text(~bits) + b"\n",
        "p4.pgm": b"P4\n" + size + pack(~bits, 1), "p2.pgm": b"P2\n" + size + b"255\n" + text(gray), "p2_15.pgm": b"P2\n" + size + b"15 # maximum\n" + text(gray >> 4),
        "p5_100.pgm": b"P5\n" + size + b"100\n" + (gray // 3).tobytes(), "p5_254.pgm": b"P5\n" + size + b"254\n" + gray.tobytes(), "p3_6.ppm": b"P3\n" + size + b"6\n" + text(a // 40),
        "p6_31.ppm": b"P6\n" + size + b"31\n" + (a >> 3).tobytes(), "p6_1000.ppm": b"P6\n" + size + b"1000\n" + (a.astype(">u2") * 4).tobytes(),
        "comments.ppm": b"P6 # one\n# two\n" + size + b"# three\n255\n" + a.tobytes(), "float.pgm": b"Pf\n" + size + b"-1.0\n" + (gray[::-1].astype("<f4") * 1.7 - 60.3).tobytes(),
        "float_motorola.pgm": b"Pf\n" + size + b"1.0\n" + (gray[::-1].astype(">f4") * 1.7 - 60.3).astype(">f4").tobytes(), "two_images.ppm": (b"P6\n" + size + b"255\n" + a.tobytes()) * 2,
    }
    return files


def pngs():
    def parts(data):
        at, out = 8, []
        while at < len(data):
            n = struct.unpack(">I", data[at:at + 4])[0]
            out.append(data[at:at + 12 + n])
            at += 12 + n
        return out
    def join(chunks):
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    def bad(chunk):
        return chunk[:-1] + bytes([chunk[-1] ^ 1])
    chunk = lambda name, body: struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    head, phys, pixels, end = parts(save(im, "png", dpi=(72, 72)))
    phead, plte, ppixels, pend = parts(save(index, "png"))
    comment = chunk(b"tEXt", b"a\0b")
    split = pixels[8:-4]
    return {
        "no_end.png": join([head, pixels]), "no_end_checksum.png": join([head, pixels])[:-4], "no_end_palette.png": join([phead, plte, ppixels]),
        "end_checksum.png": join([head, pixels, bad(end)]), "garbage.png": join([head, pixels]) + b"garbage" * 9, "comment_checksum_after.png": join([head, pixels, bad(comment), end]),
        "comment_checksum_before.png": join([head, bad(phys), bad(comment), pixels, end]), "cut_in_comment.png": join([head, pixels, comment])[:-5],
        "transparency_late.png": join([phead, plte, ppixels, chunk(b"tRNS", b"\0\x80"), pend]), "palette_of_gray.png": join([parts(save(im.convert("L"), "png"))[0], plte, *parts(save(im.convert("L"), "png"))[1:]]),
        "parts.png": join([head, *(chunk(b"IDAT", split[k:k + 100]) for k in range(0, len(split), 100)), chunk(b"IDAT", b""), end]),
    }


def gifs():
    data = save(index, "gif")
    table = 3 * (2 << (data[10] & 7))
    frame = data.index(b",", 13 + table)
    def changed(at, *values):
        return data[:at] + bytes(values) + data[at + len(values):]
    return {
        "no_palette.gif": data[:10] + bytes([data[10] & 0x7F]) + data[11:13] + data[13 + table:], "no_end.gif": data[:-1],
        "frame_exceeds_screen.gif": changed(6, W - 9, 0, H - 5, 0), "no_screen.gif": changed(6, 0, 0, 0, 0), "frame_moved.gif": changed(frame + 1, 5, 0, 3, 0),
        "screen_exceeds_frame.gif": changed(6, W + 9, 0, H + 5, 0),
    }


def exceptions():
    """The pixels of files that Pillow refuses or reads in another way than we do."""
    associated = Image.fromarray(np.minimum(np.minimum(gray, alpha).astype(int) * 255 // np.maximum(alpha, 1), 255).astype(np.uint8) * (alpha > 0))
    return {
        # clipped to nearly white; we take the highest 8 bits
        "gray16.tif": im.convert("L"), "gray16_motorola.tif": im.convert("L"), "gray12.tif": im.convert("L"), "gray16_white.tif": im.convert("L"),
        # compressed samples of 32 bits with their bytes in the wrong order
        "float_predictor_motorola.tif": Image.fromarray(gray.astype(np.float32) * 1.7 - 60.3),
        "comment_checksum_before.png": im, "garbage.png": im, "cut_in_comment.png": im,  # refused
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
    write({**tiffs(), **bmps(), **pnms(), **pngs(), **gifs()})
