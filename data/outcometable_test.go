package data

import (
	"testing"

	"depthwise.dev/data/internal/datatest"
)

// outcome says how an image is handled.
type outcome string

const (
	used     outcome = "used"
	skipped  outcome = "skipped" // skipped in its batch, with path and reason
	unlisted outcome = "named"   // skipped when the folder is listed, with path and reason
)

// testCase is an unusual file, and how it must be handled.
type testCase struct {
	kind    string // for the documentation
	name    string // of the file
	make    func(t testing.TB, path string)
	later   func(t testing.TB, path string) // applied after the folder was listed
	outcome outcome
	why     string // the reason, or how the image is used
	want    string // the pixels that Pillow sees in it
}

const asPillow = "the pixels that Pillow sees"

// cases are in the order of the documentation.
var cases = []testCase{
	// JPEG
	{"PNG named .JPEG", "png.JPEG", datatest.Copied("testdata/formats/png_named.jpeg"), nil, used, "the format is detected from the content", "testdata/formats/png_named.jpeg.want"},
	{"JPEG named .png", "jpeg.png", datatest.Copied("testdata/formats/jpeg_named.png"), nil, used, "the format is detected from the content", "testdata/formats/jpeg_named.png.want"},
	{"CMYK JPEG (Adobe, inverted)", "cmyk.jpg", datatest.Copied("jpeg/testdata/cmyk.jpg"), nil, used, asPillow, "jpeg/testdata/cmyk.png"},
	{"YCCK JPEG (Adobe, inverted)", "ycck.jpg", datatest.Copied("jpeg/testdata/ycck.jpg"), nil, used, asPillow, "jpeg/testdata/ycck.png"},
	{"JPEG in RGB (Adobe, no transform)", "rgb.jpg", datatest.Copied("jpeg/testdata/adobe_rgb.jpg"), nil, used, asPillow, "jpeg/testdata/adobe_rgb.png"},
	{"grayscale JPEG", "gray.jpg", datatest.Copied("jpeg/testdata/gray.jpg"), nil, used, "gray is copied to R, G and B", "jpeg/testdata/gray.png"},
	{"progressive JPEG", "progressive.jpg", datatest.Copied("jpeg/testdata/progressive.jpg"), nil, used, asPillow, "jpeg/testdata/progressive.png"},
	{"arithmetic-coded JPEG", "arithmetic.jpg", datatest.Copied("jpeg/testdata/arithmetic.jpg"), nil, used, asPillow, "jpeg/testdata/arithmetic.png"},
	{"JPEG with restart markers", "restart.jpg", datatest.Copied("jpeg/testdata/restart.jpg"), nil, used, asPillow, "jpeg/testdata/restart.png"},
	{"12-bit JPEG", "12bit.jpg", datatest.Changed("testdata/geometry/40x40.jpg", jpegHeader(func(h []byte) { h[4] = 12 })), nil, skipped, "precision 12", ""},
	{"lossless JPEG", "lossless.jpg", datatest.Changed("testdata/geometry/40x40.jpg", jpegHeader(func(h []byte) { h[1] = 0xc3 })), nil, skipped, "SOF type 0xc3", ""},
	{"MPO: a phone's JPEG with two pictures", "two.jpg", datatest.Copied("testdata/troubles/two.mpo"), nil, used, "its first picture", "testdata/troubles/two.mpo.want"},
	{"EXIF orientation, with `--exif=false`", "exif.jpg", datatest.Copied("testdata/formats/exif_rotated.jpg"), nil, used, "as it is stored, like torchvision", "testdata/formats/exif_rotated.jpg.want"},
	{"corrupt EXIF", "corrupt_exif.jpg", datatest.Copied("testdata/troubles/corrupt_exif.jpg"), nil, used, "treated as upright, with and without `--exif`", "testdata/troubles/corrupt_exif.jpg.want"},
	{"garbage after the end of a JPEG", "garbage.jpg", datatest.Copied("jpeg/testdata/garbage_after_end.jpg"), nil, used, "the garbage is ignored", "jpeg/testdata/garbage_after_end.png"},
	{"damage inside a JPEG's compressed data", "damaged.jpg", datatest.Copied("testdata/troubles/damaged.jpg"), nil, used, "libjpeg continues after it, as in Pillow; `train data check` reports it", "testdata/troubles/damaged.jpg.want"},
	{"JPEG cut in two", "half.jpg", datatest.Changed("testdata/geometry/40x40.jpg", datatest.Half), nil, skipped, "file is truncated", ""},
	{"JPEG whose second half is zeros", "zeros_inside.jpg", datatest.Changed("testdata/geometry/40x40.jpg", zeroed), nil, skipped, "file is truncated", ""},
	{"JPEG header of 65535x65535", "bomb.jpg", datatest.Changed("testdata/geometry/40x40.jpg", jpegHeader(func(h []byte) { copy(h[5:9], "\xff\xff\xff\xff") })), nil, skipped, "65500 pixels", ""},
	{"JPEG header of 30000x30000", "large.jpg", datatest.Changed("testdata/geometry/40x40.jpg", jpegHeader(func(h []byte) { copy(h[5:9], "\x75\x30\x75\x30") })), nil, skipped, "more than 89,478,485 pixels", ""},
	// PNG
	{"grayscale PNG", "gray.png", datatest.Copied("testdata/formats/gray.png"), nil, used, "gray is copied to R, G and B", "testdata/formats/gray.png.want"},
	{"1-bit PNG", "bits1.png", datatest.Copied("testdata/formats/bits1.png"), nil, used, asPillow, "testdata/formats/bits1.png.want"},
	{"palette PNG", "palette.png", datatest.Copied("testdata/formats/palette.png"), nil, used, asPillow, "testdata/formats/palette.png.want"},
	{"palette PNG with a transparent color", "palette_transparent.png", datatest.Copied("testdata/formats/palette_transparent.png"), nil, used, asPillow, "testdata/formats/palette_transparent.png.want"},
	{"PNG with alpha", "rgba.png", datatest.Copied("testdata/formats/rgba.png"), nil, used, "alpha is dropped, as in Pillow's `convert(\"RGB\")`", "testdata/formats/rgba.png.want"},
	{"16-bit PNG, color", "rgb16.png", datatest.Copied("testdata/formats/rgb16.png"), nil, used, "the high bytes", "testdata/formats/rgb16.png.want"},
	{"16-bit PNG, gray", "gray16.png", datatest.Copied("testdata/formats/gray16.png"), nil, used, "the high bytes (Pillow returns nearly white pixels)", "testdata/formats/gray16.png.want"},
	{"interlaced PNG", "interlaced.png", datatest.Copied("testdata/troubles/interlaced.png"), nil, used, asPillow, "testdata/troubles/interlaced.png.want"},
	{"animated PNG", "animated.png", datatest.Copied("testdata/troubles/animated.png"), nil, used, "its default picture", "testdata/troubles/animated.png.want"},
	{"PNG without its end", "no_end.png", datatest.Copied("testdata/variants/no_end.png"), nil, used, asPillow, "testdata/variants/no_end.png.want"},
	{"PNG with a wrong checksum of a comment or other ancillary chunk", "comment_checksum.png", datatest.Copied("testdata/variants/comment_checksum_before.png"), nil, used, "the chunk is ignored (Pillow refuses it before the pixels)", "testdata/variants/comment_checksum_before.png.want"},
	{"PNG with a wrong checksum of its pixels, header or palette", "checksum.png", datatest.Changed("testdata/formats/rgb.png", wrongChecksum), nil, skipped, "invalid checksum", ""},
	{"PNG header of 65535x65535", "bomb.png", pngBomb, nil, skipped, "more than 89478485", ""},
	{"PNG whose pixel data decompress to 64 MB more than its size", "zip_bomb.png", zipBomb, nil, skipped, "too much pixel data", ""},
	{"PNG with a comment that decompresses to 64 MB", "text_bomb.png", textBomb, nil, used, "the comment is not decompressed", ""},
	// GIF, WebP, TIFF, BMP, PNM
	{"animated GIF", "animated.gif", datatest.Copied("testdata/formats/animated.gif"), nil, used, "its first frame", "testdata/formats/animated.gif.want"},
	{"GIF with a transparent color", "transparent.gif", datatest.Copied("testdata/troubles/transparent.gif"), nil, used, "the palette color, " + asPillow, "testdata/troubles/transparent.gif.want"},
	{"GIF whose frame is a part of its screen", "corner.gif", datatest.Copied("testdata/troubles/corner.gif"), nil, used, asPillow, "testdata/troubles/corner.gif.want"},
	{"GIF whose frame is a part of its screen, with a transparent color", "corner_transparent.gif", datatest.Copied("testdata/troubles/corner_transparent.gif"), nil, used, asPillow, "testdata/troubles/corner_transparent.gif.want"},
	{"GIF whose frame exceeds its screen", "exceeds.gif", datatest.Copied("testdata/variants/frame_exceeds_screen.gif"), nil, used, "the screen is enlarged, as in Pillow", "testdata/variants/frame_exceeds_screen.gif.want"},
	{"GIF without a palette", "no_palette.gif", datatest.Copied("testdata/variants/no_palette.gif"), nil, used, "gray, as in Pillow", "testdata/variants/no_palette.gif.want"},
	{"animated WebP", "animated.webp", datatest.Copied("testdata/troubles/animated.webp"), nil, used, "its first frame", "testdata/troubles/animated.webp.want"},
	{"animated WebP, lossy", "animated_lossy.webp", datatest.Copied("testdata/troubles/animated_lossy.webp"), nil, used, "its first frame, within 4 of Pillow's", "testdata/troubles/animated_lossy.webp.want"},
	{"animated WebP with alpha", "animated_alpha.webp", datatest.Copied("testdata/troubles/animated_alpha.webp"), nil, used, "its first frame, alpha dropped", "testdata/troubles/animated_alpha.webp.want"},
	{"WebP with alpha", "alpha.webp", datatest.Copied("testdata/formats/alpha.webp"), nil, used, "alpha is dropped; within 4 of Pillow's", "testdata/formats/alpha.webp.want"},
	{"TIFF of several pages", "pages.tif", datatest.Copied("testdata/troubles/pages.tif"), nil, used, "its first page", "testdata/troubles/pages.tif.want"},
	{"TIFF with an orientation", "turned.tif", datatest.Copied("testdata/troubles/turned.tif"), nil, used, "the orientation is applied, as in Pillow and so torchvision", "testdata/troubles/turned.tif.want"},
	{"BigTIFF", "big.tif", datatest.Copied("testdata/variants/big.tif"), nil, used, asPillow, "testdata/variants/big.tif.want"},
	{"TIFF in tiles", "tiles.tif", datatest.Copied("testdata/variants/tiles.tif"), nil, used, asPillow, "testdata/variants/tiles.tif.want"},
	{"TIFF with a plane for each color", "planes.tif", datatest.Copied("testdata/variants/planes_lzw.tif"), nil, used, asPillow, "testdata/variants/planes_lzw.tif.want"},
	{"fax TIFF (group 3, 4 or modified Huffman), BlackIsZero", "fax_black.tif", datatest.Copied("testdata/variants/fax_group4.tif"), nil, used, asPillow, "testdata/variants/fax_group4.tif.want"},
	{"fax TIFF, WhiteIsZero", "fax_white.tif", datatest.Copied("testdata/variants/fax_group3_white.tif"), nil, used, asPillow, "testdata/variants/fax_group3_white.tif.want"},
	{"TIFF with LZW, Deflate, PackBits, Zstandard or LZMA", "zstd.tif", datatest.Copied("testdata/variants/zstd_predictor.tif"), nil, used, asPillow, "testdata/variants/zstd_predictor.tif.want"},
	{"TIFF with JPEG data", "tiff_jpeg.tif", datatest.Copied("testdata/variants/jpeg_ycbcr.tif"), nil, used, asPillow, "testdata/variants/jpeg_ycbcr.tif.want"},
	{"TIFF of 1, 2 or 4 bits, gray or palette", "gray4.tif", datatest.Copied("testdata/variants/gray4_white.tif"), nil, used, asPillow, "testdata/variants/gray4_white.tif.want"},
	{"16-bit TIFF, color", "tiff_rgb16.tif", datatest.Copied("testdata/variants/rgb16_motorola.tif"), nil, used, "the high bytes", "testdata/variants/rgb16_motorola.tif.want"},
	{"12-bit and 16-bit TIFF, gray", "tiff_gray16.tif", datatest.Copied("testdata/variants/gray16.tif"), nil, used, "the highest 8 bits, inverted if WhiteIsZero (Pillow returns nearly white pixels)", "testdata/variants/gray16.tif.want"},
	{"TIFF of signed or 32-bit integers or 32-bit floats", "float.tif", datatest.Copied("testdata/variants/float.tif"), nil, used, "clipped to 0 to 255, as in Pillow", "testdata/variants/float.tif.want"},
	{"big-endian TIFF with compressed signed 16-bit, 32-bit or float samples; uncompressed 16-bit TIFF in planes; CIELab TIFF in planes", "float_motorola.tif", datatest.Copied("testdata/variants/float_predictor_motorola.tif"), nil, used, "as the specification says (Pillow mixes up their bytes)", "testdata/variants/float_predictor_motorola.tif.want"},
	{"TIFF with alpha or extra samples", "tiff_rgba.tif", datatest.Copied("testdata/variants/rgba_associated.tif"), nil, used, "alpha is dropped; associated alpha is divided out first, as in Pillow", "testdata/variants/rgba_associated.tif.want"},
	{"CMYK TIFF", "tiff_cmyk.tif", datatest.Copied("testdata/variants/cmyk_lzw.tif"), nil, used, asPillow, "testdata/variants/cmyk_lzw.tif.want"},
	{"YCbCr TIFF, also with subsampled chroma", "tiff_ycbcr.tif", datatest.Copied("testdata/variants/ycbcr_2x2.tif"), nil, used, asPillow, "testdata/variants/ycbcr_2x2.tif.want"},
	{"CIELab TIFF", "lab.tif", datatest.Copied("testdata/variants/lab.tif"), nil, used, "within 3 of Pillow's; 19 for colors that sRGB lacks", ""},
	{"TIFF with old JPEG, JPEG 2000, WebP or another compression", "old_jpeg.tif", datatest.Changed("testdata/variants/old_deflate.tif", tiffCompression(6)), nil, skipped, "which is not supported; convert it to PNG", ""},
	{"BMP with run lengths (RLE4, RLE8), with moves", "rle8.bmp", datatest.Copied("testdata/variants/rle8.bmp"), nil, used, asPillow, "testdata/variants/rle8.bmp.want"},
	{"BMP of 1, 4 or 8 bits with a palette", "pal4.bmp", datatest.Copied("testdata/variants/pal4_used.bmp"), nil, used, asPillow, "testdata/variants/pal4_used.bmp.want"},
	{"16-bit BMP, 5 or 6 bits a color", "565.bmp", datatest.Copied("testdata/variants/565.bmp"), nil, used, asPillow, "testdata/variants/565.bmp.want"},
	{"32-bit BMP, with masks in any order", "32.bmp", datatest.Copied("testdata/variants/32_abgr.bmp"), nil, used, "alpha is dropped", "testdata/variants/32_abgr.bmp.want"},
	{"BMP of OS/2, version 1 and 2", "os2.bmp", datatest.Copied("testdata/variants/os2_pal4.bmp"), nil, used, asPillow, "testdata/variants/os2_pal4.bmp.want"},
	{"BMP with its top row first", "top_down.bmp", datatest.Copied("testdata/variants/24_top_down.bmp"), nil, used, asPillow, "testdata/variants/24_top_down.bmp.want"},
	{"BMP with JPEG, PNG, RLE24 or Huffman data", "jpeg.bmp", datatest.Changed("testdata/variants/24_v4.bmp", func(b []byte) []byte { b[30] = 4; return b }), nil, skipped, "with compression 4, which is not supported; convert it to PNG", ""},
	{"PBM, text or binary, named .pgm or .ppm", "pbm.pgm", datatest.Copied("testdata/variants/p4.pgm"), nil, used, asPillow, "testdata/variants/p4.pgm.want"},
	{"text PGM and PPM; any maximum", "text.ppm", datatest.Copied("testdata/variants/p3_6.ppm"), nil, used, asPillow, "testdata/variants/p3_6.ppm.want"},
	{"16-bit PPM", "wide.ppm", datatest.Copied("testdata/variants/p6_1000.ppm"), nil, used, "scaled to 8 bits", "testdata/variants/p6_1000.ppm.want"},
	{"16-bit PGM", "wide.pgm", datatest.Holding("P5 2 1 65535\n\x80\x80\x00\x00"), nil, used, "scaled to 8 bits (Pillow returns nearly white pixels)", ""},
	{"PFM, gray, named .pgm", "float.pgm", datatest.Copied("testdata/variants/float.pgm"), nil, used, "clipped to 0 to 255, as in Pillow", "testdata/variants/float.pgm.want"},
	{"GIF header of 65535x65535", "bomb.gif", datatest.Holding("GIF89a\xff\xff\xff\xff\x00\x00\x00"), nil, skipped, "more than 89478485", ""},
	{"BMP header of 65535x65535", "bomb.bmp", datatest.Holding(bmpBomb), nil, skipped, "more than 89478485", ""},
	{"TIFF header of 65535x65535", "bomb.tif", datatest.Holding(tiffBomb), nil, skipped, "more than 89478485", ""},
	{"WebP header of 16384x16384", "bomb.webp", datatest.Holding(webpBomb), nil, skipped, "more than 89478485", ""},
	{"PPM header of 60000x60000", "bomb.ppm", datatest.Holding("P6 60000 60000 255\n"), nil, skipped, "more than 89478485", ""},
	// Not an image
	{"AVIF named .jpg", "avif.jpg", datatest.Copied("testdata/troubles/photo.avif"), nil, skipped, "AVIF, which is not supported", ""},
	{"HEIC named .jpg", "heic.jpg", datatest.Holding("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), nil, skipped, "HEIC, which is not supported", ""},
	{"AVIF named .avif", "photo.avif", datatest.Copied("testdata/troubles/photo.avif"), nil, unlisted, "AVIF, which is not supported", ""},
	{"HEIC named .HEIC", "photo.HEIC", datatest.Holding("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), nil, unlisted, "HEIC, which is not supported", ""},
	{"JPEG XL named .jpg", "jxl.jpg", datatest.Holding("\xff\x0a\xfa\x1f\x01\x91\x08\x06"), nil, skipped, "JPEG XL, which is not supported", ""},
	{"ICO, TGA, PCX, DDS, SGI, OpenEXR, QOI, PAM, SVG or another format, named .png", "icon.png", datatest.Holding("\x00\x00\x01\x00\x01\x00\x10\x10"), nil, skipped, "ICO, which is not supported", ""},
	{"JPEG named .jfif", "photo.jfif", good, nil, unlisted, "rename it", ""},
	{"zero bytes", "empty.jpg", datatest.Holding(""), nil, skipped, "the file is empty", ""},
	{"only zeros", "zeros.jpg", datatest.Holding(string(make([]byte, 5000))), nil, skipped, "only zeros", ""},
	{"web page named .jpg", "page.jpg", datatest.Holding("<!DOCTYPE html><html>404</html>"), nil, skipped, "a web page", ""},
	{"Git LFS pointer", "lfs.jpg", datatest.Holding("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"), nil, skipped, "a Git LFS pointer", ""},
	{"macOS resource fork (._name.jpg)", "._photo.jpg", datatest.Holding("\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"), nil, unlisted, "a macOS resource fork", ""},
	{"one pixel", "one.png", dot, nil, used, "enlarged", ""},
	{"1x3000", "thread.png", thread, nil, used, "cropped as in torchvision", ""},
	{"more than 1 GB", "giant.jpg", sparse, nil, skipped, "the file is too large", ""},
	// The file system
	{"FIFO", "fifo.jpg", fifo, nil, unlisted, "not a regular file", ""},
	{"socket", "socket.jpg", socket, nil, unlisted, "not a regular file", ""},
	{"file that cannot be read (permissions)", "unreadable.jpg", good, nil, skipped, "permission denied", ""},
	{"dangling link", "dangling.jpg", linkTo("nowhere"), nil, unlisted, "a dangling link", ""},
	{"link to itself", "self.jpg", linkTo("self.jpg"), nil, unlisted, "a dangling link", ""},
	{"link to a folder above", "up", linkTo("../class"), nil, unlisted, "a link to a folder that contains it", ""},
	{"link to an image", "link.jpg", linkTo("../../photo.jpg"), nil, used, "followed", "testdata/geometry/40x40.jpg"},
	{"hidden file", ".hidden.jpg", good, nil, unlisted, "a hidden file", ""},
	{"name that is not UTF-8", "caf\xe9\xff.jpg", good, nil, used, "sorted as Python sorts it", "testdata/geometry/40x40.jpg"},
	{"removed after listing", "gone.jpg", good, instead(nil), skipped, "no such file or directory", ""},
	{"FIFO in its place after listing", "became_fifo.jpg", good, instead(fifo), skipped, "not a regular file", ""},
	{"folder in its place after listing", "became_folder.jpg", good, instead(datatest.MakeFolder), skipped, "not a regular file", ""},
	{"link to itself in its place after listing", "became_loop.jpg", good, instead(linkTo("became_loop.jpg")), skipped, "too many levels of symbolic links", ""},
}
