package formats

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/validate"
)

// someFile has two arrays and metadata.
func someFile(t *testing.T) checkpoints.File {
	t.Helper()
	f := checkpoints.File{Meta: map[string]string{"model": "{}"}}
	for _, name := range []string{"conv.weight", "conv.bias"} {
		a, err := checkpoints.NewArray(name, []float32{1, 2, 3, 4}, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		f.Arrays = append(f.Arrays, a)
	}
	return f
}

// TestAll writes and reads every format, and detects it from content and extension.
func TestAll(t *testing.T) {
	for _, f := range All {
		t.Run(f.Name, func(t *testing.T) {
			if f.Description == "" || len(f.Extensions) == 0 {
				t.Errorf("incomplete row %+v", f)
			}
			if got, err := ByName(f.Name); err != nil || got.Name != f.Name {
				t.Errorf("ByName: %q, %v", got.Name, err)
			}
			for _, extension := range f.Extensions {
				if got, err := ByExtension("a/B" + strings.ToUpper(extension)); err != nil || got.Name != f.Name {
					t.Errorf("ByExtension(%s): %q, %v", extension, got.Name, err)
				}
			}
			if f.Write == nil {
				return
			}
			want, path := someFile(t), filepath.Join(t.TempDir(), "no-extension")
			if err := f.Write(path, want); err != nil {
				t.Fatal(err)
			}
			if got, err := Detect(path); err != nil || got.Name != f.Name {
				t.Errorf("Detect: %q, %v", got.Name, err)
			}
			got, err := Read(path)
			if f.Read == nil {
				if err == nil || !strings.Contains(err.Error(), "can only be written") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Arrays) != 2 || got.Arrays[1].Name != "conv.bias" || !reflect.DeepEqual(got.Arrays[1].Data.Data(), want.Arrays[1].Data.Data()) || got.Meta["model"] != "{}" {
				t.Errorf("read %+v", got)
			}
		})
	}
}

// TestUnknown names files of no format.
func TestUnknown(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"neither content nor extension", "w.bin", "hello, world", `no format has the extension ".bin"`},
		{"empty", "w", "", `no format has the extension ""`},
		{"a zip of something else", "w.zip", "PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00a.txt", `no format has the extension ".zip"`},
		{"damaged, read as its extension says", "w.safetensors", "oh", checkpoints.ErrFormat.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Detect(path); !errors.Is(err, ErrUnknown) {
				t.Errorf("Detect: %v", err)
			}
			if _, err := Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Read: %v, want %q and the path", err, c.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	_, err := ByName("npy")
	if e, ok := errors.AsType[*validate.Error](err); !ok || e.Fields[0].Field != "format" || !strings.Contains(err.Error(), "did you mean npz?") {
		t.Errorf("ByName: %v", err)
	}
}
