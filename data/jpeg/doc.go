// Package jpeg decodes JPEG files to RGB pixels, resizes RGB pixels, and holds the inner loops of data
// augmentation (methods of [Image]).
//
// With cgo, common files are decoded by the package's own decoder and all others by libjpeg-turbo, and
// rows are resized as they are decoded. The inner loops have ISA variants for AVX-512, AVX2 and portable
// C, selected at run time; see [Environment]. A [Decoder] belongs to one goroutine and keeps its memory
// between images, libjpeg's included, so that decoding allocates nothing in the steady state.
//
//   - Only the requested region is decoded, and its pixels equal those of a full decode by libjpeg-turbo,
//     whichever decoder is used.
//   - The own decoder supports baseline files of 8 bits, gray or YCbCr in 4:4:4, 4:2:2 or 4:2:0, in one
//     scan, with or without restart markers. It does not handle damage: at the first sign of it,
//     libjpeg-turbo decodes the file.
//   - The resize is the antialiased one of torchvision on byte tensors, bilinear or bicubic, bit for bit. Pillow's
//     differs by at most 1.
//   - Gray, CMYK and YCCK are converted to RGB as by Pillow's convert("RGB").
//   - Images above [MaxPixels] are refused before memory is allocated. A progressive file needs about 6
//     bytes per pixel, any other only the rows of the region.
//   - A file without an end marker is refused, as by Pillow. Damage in the compressed data is handled by
//     libjpeg, as for Pillow.
//
// Without cgo, the standard library decodes, and the loops are written in Go. They equal those in C bit
// for bit; the decoded pixels differ a little, since chroma is upsampled by repetition, and damaged and
// arithmetic-coded files are refused. It is slower, and meant for cross compilation.
package jpeg
