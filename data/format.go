package data

import (
	"bytes"
	"errors"
)

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

// Extension is the usual extension of the format's files, such as ".jpg"; "" for an unknown format.
func (f Format) Extension() string {
	return map[Format]string{FormatJPEG: ".jpg", FormatPNG: ".png", FormatGIF: ".gif", FormatBMP: ".bmp", FormatTIFF: ".tif",
		FormatWebP: ".webp", FormatPNM: ".ppm"}[f]
}

// DetectFormat returns the format of a file from its content, of which the first 512 bytes are enough, or an error that says
// what else the file is.
func DetectFormat(content []byte) (Format, error) {
	f, reason := formatOf(content)
	if reason != "" {
		return "", errors.New(reason)
	}
	return f, nil
}

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
	if bytes.HasSuffix(data, []byte("TRUEVISION-XFILE.\x00")) { // TGA begins with no fixed bytes
		return "", unsupported("TGA")
	}
	for _, o := range otherFormats {
		if len(data) >= o.at && bytes.HasPrefix(data[o.at:], []byte(o.bytes)) {
			return "", unsupported(o.name)
		}
	}
	return "", foreignReason(data)
}

// otherFormats are the first bytes of image formats that are not read, beside those of [foreign];
// docs/images.md says how to convert them.
var otherFormats = []struct {
	at          int
	bytes, name string
}{
	{0, "\x00\x00\x01\x00", "ICO"}, {0, "\x00\x00\x02\x00", "CUR"}, {0, "icns", "ICNS"},
	{0, "DDS ", "DDS"}, {0, "\x0a\x05\x01", "PCX"}, {0, "\x01\xda", "SGI"}, {0, "\x59\xa6\x6a\x95", "Sun raster"},
	{0, "v/1\x01", "OpenEXR"}, {0, "#?RADIANCE", "Radiance HDR"}, {0, "#?RGBE", "Radiance HDR"},
	{0, "qoif", "QOI"}, {0, "P7\n", "PAM"}, {0, "PF\n", "PFM in color"}, {0, "/* XPM */", "XPM"},
	{0, "II\xbc\x01", "JPEG XR"}, {0, "<svg", "SVG"}, {0, "gimp xcf", "GIMP's XCF"}, {0, "FLIF", "FLIF"},
	{0, "BPG\xfb", "BPG"}, {0, "%!PS", "PostScript"}, {0, "AT&TFORM", "DjVu"}, {0, "SIMPLE  =", "FITS"},
	{128, "DICM", "DICOM"},
}
