package data

import "bytes"

// format is what a file's first bytes say it is; its name is never asked.
type format string

const (
	formatJPEG format = "JPEG"
	formatPNG  format = "PNG"
	formatGIF  format = "GIF"
	formatBMP  format = "BMP"
	formatTIFF format = "TIFF"
	formatWebP format = "WebP"
	formatPNM  format = "PNM" // .pgm and .ppm
)

// formatOf tells the format of a file, or why there is none.
func formatOf(data []byte) (f format, reason string) {
	starts := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	switch {
	case len(data) == 0:
		return "", "the file is empty"
	case starts("\xff\xd8\xff"):
		return formatJPEG, ""
	case starts("\x89PNG\r\n\x1a\n"):
		return formatPNG, ""
	case starts("GIF87a"), starts("GIF89a"):
		return formatGIF, ""
	case starts("BM"):
		return formatBMP, ""
	case starts("II*\x00"), starts("MM\x00*"):
		return formatTIFF, ""
	case starts("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return formatWebP, ""
	case len(data) >= 3 && data[0] == 'P' && '2' <= data[1] && data[1] <= '6' && data[1] != '4' && isSpace(data[2]):
		return formatPNM, ""
	}
	return "", foreignReason(data)
}
