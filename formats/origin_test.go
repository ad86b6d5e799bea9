package formats

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
	"depthwise.dev/weights/weightstest"
)

// thousand returns initial weights of 1000 classes with the given names.
func thousand(t *testing.T, name func(i int) string) weights.Weights {
	t.Helper()
	var classes []string
	for i := range 1000 {
		classes = append(classes, name(i))
	}
	return weightstest.Of(t, classes...)
}

// writeWithSidecar writes weights and a sidecar that says where they come from.
func writeWithSidecar(t *testing.T, w weights.Weights, o weights.Origin) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	sum, err := weights.Digest(file)
	if err != nil {
		t.Fatal(err)
	}
	o.SHA256 = cmp.Or(o.SHA256, sum)
	p := w.Preprocess
	p.Resolution, p.Resize = 64, 72
	if err := weights.WriteSidecar(file, weights.Sidecar{SHA256: sum, Origin: o, Preprocess: &p}); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReadAddsOrigin: the names of ImageNet's classes replace numbers, and nothing else.
func TestReadAddsOrigin(t *testing.T) {
	for _, c := range []struct {
		name    string
		dataset string
		class   func(i int) string
		want    string // name of class 970
		sha256  string // of the published file; "": this one
	}{
		{"numbers", imagenet.Dataset, func(i int) string { return itoa("", i) }, "alp", ""},
		{"numbers with a word", imagenet.Dataset, func(i int) string { return itoa("LABEL_", i) }, "alp", ""},
		{"names of its own", imagenet.Dataset, func(i int) string { return itoa("x", 999-i) }, "x29", ""},
		{"1000 classes of something else", "", func(i int) string { return itoa("", i) }, "970", ""},
		{"derived from weights of ImageNet", imagenet.Dataset, func(i int) string { return itoa("", i) }, "970", strings.Repeat("0", 64)},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := writeWithSidecar(t, thousand(t, c.class), weights.Origin{Name: "n", License: "bsd-3-clause", Dataset: c.dataset, SHA256: c.sha256})
			w, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if w.Classes[970] != c.want {
				t.Errorf("class 970 is %q, want %q", w.Classes[970], c.want)
			}
			if o, err := w.PublishedOrigin(); err != nil || o == nil || o.License != "bsd-3-clause" || w.Preprocess.Resize != 72 || w.Config.Resolution != 64 || w.Graph.Input.Height != 64 {
				t.Errorf("origin %+v, %v; %+v, %v", o, err, w.Preprocess, w.Graph)
			}
		})
	}
}

func itoa(prefix string, i int) string { return prefix + strconv.Itoa(i) }

// TestReadChanged: weights are not given the origin of the file that they replaced.
func TestReadChanged(t *testing.T) {
	file := writeWithSidecar(t, weightstest.New(t), weights.Origin{Name: "n"})
	if err := weightstest.New(t).Write(file); err != nil {
		t.Fatal(err)
	}
	other := weightstest.New(t)
	other.Meta["step"] = "8"
	if err := other.Write(file); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); !errors.Is(err, weights.ErrChanged) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(weights.SidecarPath(file)); err != nil { // as the error advises
		t.Fatal(err)
	}
	if _, err := Read(file); err != nil {
		t.Errorf("after the advice: %v", err)
	}
}

// TestExportKeepsOrigin: license and origin stay with exported weights, in metadata or beside the file.
func TestExportKeepsOrigin(t *testing.T) {
	origin := weights.Origin{Name: "torchvision/mobilenet_v2", SHA256: "ab", License: "bsd-3-clause", LicenseURL: "https://example.org"}
	for _, f := range All {
		if f.Write == nil || f.Folder { // whose own tests look into the folder
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			file, out := writeWithSidecar(t, sample(t, f), origin), filepath.Join(t.TempDir(), "out")
			if err := Export(ExportOptions{Weights: file, Output: out, Format: f.Name}); err != nil {
				t.Fatal(err)
			}
			s, err := weights.ReadSidecar(out)
			if err != nil {
				t.Fatal(err)
			}
			if f.Read == nil {
				b, err := os.ReadFile(out)
				if err != nil || s != nil || !bytes.Contains(b, []byte("bsd-3-clause")) {
					t.Errorf("sidecar %+v, error %v, or no license in the file", s, err)
				}
				return
			}
			if s != nil {
				t.Errorf("sidecar %+v", s)
			}
			w, err := Read(out)
			if err != nil {
				t.Fatal(err)
			}
			if o, err := w.PublishedOrigin(); err != nil || o == nil || *o != origin {
				t.Errorf("origin %+v, %v", o, err)
			}
		})
	}
}

// TestExportWritesSidecar: a file that cannot hold the metadata has the origin beside it.
func TestExportWritesSidecar(t *testing.T) {
	long := thousand(t, func(i int) string { return itoa(strings.Repeat("x", 80), i) })
	file, out := writeWithSidecar(t, long, weights.Origin{Name: "n", License: "mit"}), filepath.Join(t.TempDir(), "out.npz")
	if err := Export(ExportOptions{Weights: file, Output: out}); err != nil {
		t.Fatal(err)
	}
	if s, err := weights.ReadSidecar(out); err != nil || s == nil || s.Origin.License != "mit" || s.Check(out) != nil {
		t.Errorf("sidecar %+v, %v", s, err)
	}
	w, err := Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := w.PublishedOrigin(); err != nil || o == nil || o.License != "mit" {
		t.Errorf("origin %+v, %v", o, err)
	}
}

// TestExportRemovesOldSidecar: a file without an origin does not get that of the file that it replaces.
func TestExportRemovesOldSidecar(t *testing.T) {
	dir := t.TempDir()
	own, out := filepath.Join(dir, "own.safetensors"), filepath.Join(dir, "out.npz")
	if err := weightstest.New(t).Write(own); err != nil {
		t.Fatal(err)
	}
	if err := weights.WriteSidecar(out, weights.Sidecar{SHA256: strings.Repeat("0", 64)}); err != nil {
		t.Fatal(err)
	}
	if err := Export(ExportOptions{Weights: own, Output: out}); err != nil {
		t.Fatal(err)
	}
	if s, err := weights.ReadSidecar(out); s != nil || err != nil {
		t.Errorf("sidecar %+v, error %v", s, err)
	}
}
