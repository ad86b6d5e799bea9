package weights_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
)

var someOrigin = weights.Origin{Name: "torchvision/mobilenet_v2", Address: "https://example.org/a.pth", SHA256: "ab", License: "bsd-3-clause",
	LicenseURL: "https://example.org/license", Dataset: imagenet.Dataset}

// TestOrigin: the origin survives metadata; weights without one have none.
func TestOrigin(t *testing.T) {
	var w weights.Weights
	if o, err := w.PublishedOrigin(); o != nil || err != nil {
		t.Errorf("without one: %+v, %v", o, err)
	}
	if err := w.SetPublishedOrigin(someOrigin); err != nil {
		t.Fatal(err)
	}
	if o, err := w.PublishedOrigin(); err != nil || *o != someOrigin {
		t.Errorf("%+v, %v", o, err)
	}
	w.Meta[weights.MetaOrigin] = "{"
	if _, err := w.PublishedOrigin(); err == nil || !strings.Contains(err.Error(), `metadata "origin"`) {
		t.Errorf("error %v", err)
	}
}

// TestOriginClasses: only weights that were trained on ImageNet have its names.
func TestOriginClasses(t *testing.T) {
	for _, c := range []struct {
		name    string
		dataset string
		outputs int
		first   string
	}{
		{"ImageNet", imagenet.Dataset, 1000, "tench"},
		{"ImageNet with background", imagenet.Dataset, 1001, "background"},
		{"ImageNet, other classes", imagenet.Dataset, 20, ""},
		{"1000 classes of something else", "", 1000, ""},
	} {
		first := ""
		if names := (weights.Origin{Dataset: c.dataset}).Classes(c.outputs); names != nil {
			first = names[0]
		}
		if first != c.first {
			t.Errorf("%s: %q, want %q", c.name, first, c.first)
		}
	}
}

// TestSidecar: what is written is read again, and a file that was replaced is noticed.
func TestSidecar(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.pth")
	if s, err := weights.ReadSidecar(file); s != nil || err != nil {
		t.Errorf("without one: %+v, %v", s, err)
	}
	if err := os.WriteFile(file, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := weights.Sidecar{SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Verified: "x", Origin: someOrigin,
		Preprocess: &data.Preprocess{Resolution: 224, Resize: 232}}
	if err := weights.WriteSidecar(file, want); err != nil {
		t.Fatal(err)
	}
	got, err := weights.ReadSidecar(file)
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := got.Check(file); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("abd"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := got.Check(file); !errors.Is(err, weights.ErrChanged) || !strings.Contains(err.Error(), weights.SidecarPath(file)) {
		t.Errorf("a changed file: %v", err)
	}
}

// TestSidecarRefuses: a damaged sidecar is an error that names it and what to do.
func TestSidecarRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", "x", "invalid character"},
		{"no digest", "{}", "has not 64 hexadecimal digits"},
		{"short digest", `{"sha256":"ab"}`, "has not 64 hexadecimal digits"},
		{"invalid preprocessing", `{"sha256":"` + strings.Repeat("0", 64) + `","preprocess":{"resolution":-1}}`, "resolution -1"},
		{"too long", strings.Repeat(" ", 1<<17), "longer than"},
	} {
		file := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(weights.SidecarPath(file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := weights.ReadSidecar(file); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), weights.SidecarPath(file)+": ") {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzSidecar: any text is read or refused, and what is read can be written.
func FuzzSidecar(f *testing.F) {
	f.Add([]byte(`{"sha256":"` + strings.Repeat("0", 64) + `","origin":{"name":"a"},"preprocess":{"resolution":224,"std":[1,1,1]}}`))
	f.Add([]byte(`{"sha256":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(weights.SidecarPath(file), text, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := weights.ReadSidecar(file)
		if err != nil {
			return
		}
		if err := weights.WriteSidecar(file, *s); err != nil {
			t.Error(err)
		}
	})
}
