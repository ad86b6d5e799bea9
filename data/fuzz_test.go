package data

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDecodeRGB feeds damaged files of every format but JPEG: an error or as many
// pixels as the size says, never a panic that leaves the package.
func FuzzDecodeRGB(f *testing.F) {
	for _, folder := range []string{"formats", "troubles"} {
		files, err := filepath.Glob("testdata/" + folder + "/*")
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, ".want") {
				f.Add(readBytes(f, path))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, reason := formatOf(data)
		if reason != "" || kind == formatJPEG {
			return
		}
		if kind != formatPNM {
			if c, err := readConfigSafely(kind, data); err != nil || c > 1<<20 {
				return // large ones only make the fuzzer slow
			}
		}
		rgb, w, h, err := decodeRGB(kind, data, nil)
		if err == nil && (len(rgb) != 3*w*h || w < 1 || h < 1) {
			t.Errorf("%s: %d bytes for %dx%d", kind, len(rgb), w, h)
		}
		if checkHeader(kind, data) != nil && err == nil {
			t.Errorf("%s: the check refuses what can be decoded", kind)
		}
	})
}

func readConfigSafely(kind format, data []byte) (pixels int, err error) {
	defer recoverAs(&err)
	c, err := readConfig(kind, data)
	return c.Width * c.Height, err
}

// FuzzTar feeds damaged tars of class tars: nothing may appear outside train.
func FuzzTar(f *testing.F) {
	f.Add([]byte(trainTar(f)))
	f.Add([]byte(simpleTar(f, "../n01440764.tar")))
	f.Add([]byte(tarOf(f, []string{"n01440764.tar"}, map[string]string{"n01440764.tar": simpleTar(f, "/x.JPEG", "a/../../x.JPEG")})))
	f.Fuzz(func(t *testing.T, data []byte) {
		src, dst := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(src, "ILSVRC2012_img_train.tar"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		err := LayoutImageNet(t.Context(), src, filepath.Join(dst, "out"), nil)
		for path := range tree(t, dst) {
			if !strings.HasPrefix(path, "out/train/n") || !HasImageExtension(path) {
				t.Errorf("made %q (error %v)", path, err)
			}
		}
	})
}

// FuzzLists feeds the readers of label lists, class names and meta.mat.
func FuzzLists(f *testing.F) {
	for _, s := range []string{simpleList, kaggleList, inOrder, mapping} {
		f.Add([]byte(s))
	}
	for _, path := range []string{"testdata/meta.mat", "testdata/meta_plain.mat"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if labels, err := parseValLabels(data); err == nil {
			for name, class := range labels {
				if !synsetID.MatchString(class) {
					t.Errorf("%q has the class %q", name, class)
				}
			}
		}
		if names, err := parseClassNames(data); err == nil {
			text := formatClassNames(names)
			again, err := parseClassNames(text)
			if err != nil || !bytes.Equal(formatClassNames(again), text) {
				t.Errorf("written as %q, read as %q (%v)", text, again, err)
			}
		}
		if _, _, err := (&devkit{meta: data}).synsets(); err == nil && len(data) < 128 {
			t.Error("a file without a header was read")
		}
	})
}
