package data

import (
	"strings"
	"testing"
)

// TestOtherFormatsAreNamed: the content says which format an unread image has.
func TestOtherFormatsAreNamed(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"ICO", "\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00", "ICO, which is not supported"},
		{"TGA", strings.Repeat("\x00\x00\x02", 50) + "TRUEVISION-XFILE.\x00", "TGA, which is not supported"},
		{"PCX", "\x0a\x05\x01\x08\x00\x00", "PCX, which is not supported"},
		{"OpenEXR", "v/1\x01\x02\x00\x00\x00", "OpenEXR, which is not supported"},
		{"QOI", "qoif\x00\x00", "QOI, which is not supported"},
		{"PAM", "P7\nWIDTH 4\n", "PAM, which is not supported"},
		{"PFM in color", "PF\n4 4\n-1.0\n", "PFM in color, which is not supported"},
		{"SVG", "<svg xmlns=", "SVG, which is not supported"},
		{"DICOM", strings.Repeat("\x00", 128) + "DICM\x02", "DICOM, which is not supported"},
		{"only zeros", strings.Repeat("\x00", 200), "only zeros"},
		{"a text", "P8\n4 4\n", "not an image of a known format"},
	} {
		if f, reason := formatOf([]byte(c.file)); f != "" || !strings.HasPrefix(reason, c.want) {
			t.Errorf("%s: format %q, reason %q; want %q", c.name, f, reason, c.want)
		}
	}
}
