// Package tiff decodes the first page of a TIFF or BigTIFF file to the RGB pixels that Pillow's
// convert("RGB") returns.
//
//	file ─ Open ─> Page: size, layout, color ─ AppendRGB: segment ─ decompress ─ predictor ─ 8 bits ─ RGB
//
// Rows are decompressed one at a time, so the memory is that of the RGB pixels and a few rows, and a
// decompression bomb is never expanded. A strip or tile of JPEG data is decoded at once.
//
// Sources: TIFF 6.0 (1992), its technical notes 1 to 3, BigTIFF (AWare Systems), ITU-T T.4 and T.6, and the
// behavior of libtiff and Pillow 13.
package tiff
