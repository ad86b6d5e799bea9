package check

import (
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
)

func TestClassesNeedAReadableImage(t *testing.T) {
	const image, broken = "../testdata/geometry/40x40.jpg", "../testdata/formats/rgb.png"
	pixels := datatest.Changed(broken, func(content []byte) []byte { // a sound header and damaged pixels
		content[len(content)/2] ^= 0xff
		return content
	})
	for _, c := range []struct {
		name    string
		dog     []func(testing.TB, string) // the images of a class
		wantErr []string                   // nil: none
	}{
		{"a readable image", []func(testing.TB, string){datatest.Copied(image)}, nil},
		{"an empty file", []func(testing.TB, string){datatest.Holding("")}, []string{`"dog"`, "dog/0.jpg: the file is empty"}},
		{"a truncated file", []func(testing.TB, string){datatest.Changed(image, datatest.Half)}, []string{`"dog"`, "truncated"}},
		{"damaged pixels of a PNG", []func(testing.TB, string){pixels}, []string{`"dog"`, "png: invalid format"}},
		{"the last of three", []func(testing.TB, string){datatest.Holding(""), pixels, datatest.Copied(image)}, nil},
		{"none of three", []func(testing.TB, string){datatest.Holding(""), pixels, datatest.Holding("<html>")}, []string{"1 of 2 classes", "dog/0.jpg"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, class := range []string{"cat", "dog"} {
				datatest.MakeFolder(t, filepath.Join(dir, class))
			}
			datatest.Copied(image)(t, filepath.Join(dir, "cat", "0.jpg"))
			for i, make := range c.dog {
				make(t, filepath.Join(dir, "dog", string(rune('0'+i))+".jpg"))
			}
			d, err := data.OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			err = Classes(t.Context(), d, 2)
			if (err == nil) != (c.wantErr == nil) {
				t.Fatalf("error %v, want %q", err, c.wantErr)
			}
			for _, want := range c.wantErr {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}
