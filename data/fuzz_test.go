package data

import (
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
)

// FuzzDecodeRGB feeds damaged files of every format but JPEG: an error or as many
// pixels as the size says, never a panic that leaves the package.
func FuzzDecodeRGB(f *testing.F) {
	for _, folder := range []string{"formats", "troubles", "variants"} {
		files, err := filepath.Glob("testdata/" + folder + "/*")
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, ".want") {
				f.Add(datatest.Read(f, path))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, reason := formatOf(data)
		if reason != "" || kind == FormatJPEG {
			return
		}
		if kind != FormatPNM {
			if c, err := readConfigSafely(kind, data); err != nil || c > 1<<20 {
				return // large ones only make the fuzzer slow
			}
		}
		rgb, w, h, err := decodeRGB(t.Context(), kind, data, nil)
		if err == nil && (len(rgb) != 3*w*h || w < 1 || h < 1) {
			t.Errorf("%s: %d bytes for %dx%d", kind, len(rgb), w, h)
		}
		if checkHeader(kind, data) != nil && err == nil {
			t.Errorf("%s: the check refuses what can be decoded", kind)
		}
	})
}

func readConfigSafely(kind Format, data []byte) (pixels int, err error) {
	defer recoverAs(&err)
	c, err := readConfig(kind, data)
	return c.Width * c.Height, err
}
