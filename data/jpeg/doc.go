// Package jpeg turns JPEG files into RGB pixels, RGB pixels into resized ones, and those
// into altered ones: [Image] has the loops of data augmentation that C compilers make
// fast.
//
// It is the only place outside autograd with C in it. Ordinary files go through a
// decoder of our own, all others through libjpeg-turbo, and a resize follows row by row.
// The inner loops have a form for AVX-512, one for AVX2 and one for any processor, chosen
// at run time; see [Environment]. A [Decoder] belongs to one goroutine and keeps all of
// its memory between images, libjpeg's included, so that decoding allocates nothing in
// the steady state.
//
//   - Only the wanted region is decoded, and its pixels equal those of a full decode by
//     libjpeg-turbo, whichever decoder it was.
//   - Our own takes baseline files of 8 bits, gray or YCbCr in 4:4:4, 4:2:2 or 4:2:0, in
//     one scan, with or without restart markers. It knows nothing of damage: at the first
//     sign of any it leaves the file to libjpeg-turbo.
//   - The resize is the antialiased bilinear one of torchvision on byte tensors, bit for
//     bit. Pillow's differs from it by at most 1.
//   - Gray, CMYK and YCCK become RGB as in Pillow's convert("RGB").
//   - Images above [MaxPixels] are refused before memory is taken for them. A
//     progressive file needs about 6 bytes a pixel, any other only the region's rows.
//   - A file that lacks its end marker is refused, as by Pillow. Damage inside the
//     compressed data is bridged by libjpeg, as for Pillow.
package jpeg
