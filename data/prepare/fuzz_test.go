package prepare

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data"
)

// FuzzTar feeds damaged tars of class tars: nothing may appear outside train.
func FuzzTar(f *testing.F) {
	f.Add([]byte(trainTar(f)))
	f.Add([]byte(simpleTar(f, "../n01440764.tar")))
	f.Add([]byte(tarOf(f, []string{"n01440764.tar"}, map[string]string{"n01440764.tar": simpleTar(f, "/x.JPEG", "a/../../x.JPEG")})))
	f.Fuzz(func(t *testing.T, content []byte) {
		src, dst := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(src, "ILSVRC2012_img_train.tar"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		err := ImageNet(t.Context(), src, filepath.Join(dst, "out"), nil)
		for path := range tree(t, dst) {
			if !strings.HasPrefix(path, "out/train/n") || !data.HasImageExtension(path) {
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
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if labels, err := parseValLabels(content); err == nil {
			for name, class := range labels {
				if !synsetID.MatchString(class) {
					t.Errorf("%q has the class %q", name, class)
				}
			}
		}
		if names, err := parseClassNames(content); err == nil {
			text := formatClassNames(names)
			again, err := parseClassNames(text)
			if err != nil || !bytes.Equal(formatClassNames(again), text) {
				t.Errorf("written as %q, read as %q (%v)", text, again, err)
			}
		}
		if _, _, err := (&devkit{meta: content}).synsets(); err == nil && len(content) < 128 {
			t.Error("a file without a header was read")
		}
	})
}
