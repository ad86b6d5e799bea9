// Package jpeg turns JPEG files into RGB pixels, RGB pixels into resized ones, and those
// into altered ones: [Image] has the loops of data augmentation that C compilers make
// fast.
//
// It is the only place outside autograd with C in it: libjpeg-turbo decodes, and a
// resize written in C follows row by row, in a form for AVX-512, AVX2 or any processor,
// chosen at run time. A [Decoder] belongs to one goroutine and keeps all of its memory
// between images, libjpeg's included, so that decoding allocates nothing in the steady
// state.
//
//   - Only the wanted region is decoded, and its pixels equal those of a full decode.
//   - The resize is the antialiased bilinear one of torchvision on byte tensors, bit for
//     bit. Pillow's differs from it by at most 1.
//   - Gray, CMYK and YCCK become RGB as in Pillow's convert("RGB").
//   - Images above [MaxPixels] are refused before memory is taken for them. A
//     progressive file needs about 6 bytes a pixel, any other only the region's rows.
//   - A file that lacks its end marker is refused, as by Pillow. Damage inside the
//     compressed data is bridged by libjpeg, as for Pillow.
package jpeg
