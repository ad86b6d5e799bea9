package data

import "bytes"

// Format is the format of an image file, detected from its content; the name is ignored.
type Format string

// The formats that are read.
const (
	FormatJPEG Format = "JPEG"
	FormatPNG  Format = "PNG"
	FormatGIF  Format = "GIF"
	FormatBMP  Format = "BMP"
	FormatTIFF Format = "TIFF"
	FormatWebP Format = "WebP"
	FormatPNM  Format = "PNM" // .pbm, .pgm, .ppm and .pfm
)

// formatOf returns the format of a file, or the reason why it has none.
func formatOf(data []byte) (f Format, reason string) {
	starts := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	switch {
	case len(data) == 0:
		return "", "the file is empty"
	case starts("\xff\xd8\xff"):
		return FormatJPEG, ""
	case starts("\x89PNG\r\n\x1a\n"):
		return FormatPNG, ""
	case starts("GIF87a"), starts("GIF89a"):
		return FormatGIF, ""
	case starts("BM"):
		return FormatBMP, ""
	case starts("II*\x00"), starts("MM\x00*"), starts("II+\x00"), starts("MM\x00+"): // 43: BigTIFF
		return FormatTIFF, ""
	case starts("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return FormatWebP, ""
	case len(data) >= 3 && pnmKinds[string(data[:2])].channels > 0 && isSpace(data[2]):
		return FormatPNM, ""
	}
	return "", foreignReason(data)
}
