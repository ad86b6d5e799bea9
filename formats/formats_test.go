package formats

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats/peers"
	"depthwise.dev/internal/validate"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// sample returns weights that a format can hold.
func sample(t testing.TB, f Format) weights.Weights {
	t.Helper()
	if f.Name == torchvision.Name { // which has no v1
		return weightstest.Variant(t, "mobilenet_v2", "torchvision", 0.35, "b", "a", "ü")
	}
	return weightstest.New(t)
}

// TestAll writes and reads every format, and detects it from content and extension.
func TestAll(t *testing.T) {
	for _, f := range All {
		t.Run(f.Name, func(t *testing.T) {
			if f.Description == "" || (len(f.Extensions) == 0) != f.Folder {
				t.Errorf("incomplete row %+v", f)
			}
			if got, err := ByName(f.Name); f.Write != nil && (err != nil || got.Name != f.Name) {
				t.Errorf("ByName: %q, %v", got.Name, err)
			}
			for _, extension := range f.Extensions {
				if got, err := ByExtension("a/B" + strings.ToUpper(extension)); err != nil || got.Name != f.Name && (f.Read != nil || !slices.Contains(got.Extensions, extension)) {
					t.Errorf("ByExtension(%s): %q, %v", extension, got.Name, err)
				}
			}
			if f.Write == nil {
				return
			}
			want, path := sample(t, f), filepath.Join(t.TempDir(), "no-extension")
			want.Preprocess.Interpolation = data.Bilinear // files name what is empty otherwise
			if err := f.Write(path, want, WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			if f.Folder {
				return // TestExchange and TestGoPackage
			}
			if got, err := Detect(path); f.Detect != nil && (err != nil || got.Name != f.Name) {
				t.Errorf("Detect: %q, %v", got.Name, err)
			}
			got, err := Read(path)
			if f.Read == nil && f.Detect != nil {
				if err == nil || !strings.Contains(err.Error(), "can only be written") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Arrays) != len(want.Arrays) || !reflect.DeepEqual(got.Arrays[1].Data.Data(), want.Arrays[1].Data.Data()) {
				t.Errorf("%d arrays, want %d with the same values", len(got.Arrays), len(want.Arrays))
			}
			got.Arrays, want.Arrays = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read %+v, want %+v", got, want)
			}
		})
	}
}

// TestUnknown names files of no format.
func TestUnknown(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"neither content nor extension", "w.bin", "hello, world", `no format has the extension ".bin"`},
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
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) || !strings.HasSuffix(err.Error(), "; give a file of weights, the folder of a run, or a name that train weights list prints") {
		t.Errorf("no file: %v", err)
	}
	_, err := ByName("npy")
	if e, ok := errors.AsType[*validate.Error](err); !ok || e.Fields[0].Field != "format" || !strings.Contains(err.Error(), "did you mean npz?") {
		t.Errorf("ByName: %v", err)
	}
}

// TestChangedNative: files that describe themselves are compared with their network too.
func TestChangedNative(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *checkpoints.File)
		want   string // "": no error
	}{
		{"unchanged", func(*checkpoints.File) {}, ""},
		{"missing", func(f *checkpoints.File) { f.Arrays = f.Arrays[1:] }, "missing    conv_stem.weight (8, 3, 3, 3)"},
		{"unexpected", func(f *checkpoints.File) {
			f.Arrays = append(f.Arrays, checkpoints.Array{Name: "x", Data: f.Arrays[1].Data})
		}, "unexpected x (8)"},
		{"wrong shape", func(f *checkpoints.File) { f.Arrays[0].Data = f.Arrays[1].Data }, "shape      conv_stem.weight (8), expected (8, 3, 3, 3)"},
		{"state of training", func(f *checkpoints.File) {
			f.Arrays = append(f.Arrays, checkpoints.Array{Name: "optimizer/x", Data: f.Arrays[1].Data})
		}, ""},
		{"PyTorch's counter", func(f *checkpoints.File) {
			f.Arrays = append(f.Arrays, checkpoints.Array{Name: "bn1.num_batches_tracked", Data: f.Arrays[1].Data})
		}, ""},
		{"incomplete average", func(f *checkpoints.File) {
			f.Arrays = append(f.Arrays, checkpoints.Array{Name: "ema/bn1.weight", Data: f.Arrays[1].Data})
		}, "missing    conv_stem.weight"},
		{"incomplete raw weights", func(f *checkpoints.File) {
			f.Arrays = append(f.Arrays, checkpoints.Array{Name: "raw/bn1.weight", Data: f.Arrays[1].Data})
		}, "missing    conv_stem.weight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := weightstest.New(t).File()
			if err != nil {
				t.Fatal(err)
			}
			c.change(&f)
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := checkpoints.Write(path, f); err != nil {
				t.Fatal(err)
			}
			_, err = Read(path)
			if (err != nil) != (c.want != "") || err != nil && (!errors.Is(err, peers.ErrMisfit) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestInPlaceOfWeights: what downloads leave behind when they fail.
func TestInPlaceOfWeights(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"a pointer of Git LFS", "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 17037932\n", "git lfs pull"},
		{"a page", "model.pth", "\n<!DOCTYPE html>\n<html>", "an HTML page"},
		{"a page without a type", "model.h5", "<html><body>404</body></html>", "an HTML page"},
		{"an answer of S3", "model.keras", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "an XML document"},
		{"gzip", "model.h5.gz", "\x1f\x8b\x08\x00", "unpack it first"},
		{"zstd", "model.npz", "\x28\xb5\x2f\xfd\x00", "unpack it first"},
		{"empty", "model.safetensors", "", "empty"},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q and the path", c.name, err, c.want)
		}
	}
}

func TestForOutput(t *testing.T) {
	for _, c := range []struct {
		name, path, format string
		want               string // format, or part of the error
		wrong              bool
	}{
		{"by extension", "a.npz", "", "npz", false},
		{"by extension, upper case", "A.SAFETENSORS", "", "safetensors", false},
		{"named, no extension", "weights", "npz", "npz", false},
		{"named, unknown extension", "weights.bin", "safetensors", "safetensors", false},
		{"operations", "model.onnx", "", "onnx", false},
		{"named as the extension", "a.npz", "npz", "npz", false},
		{"no extension, as of a device", "/dev/stdout", "", "safetensors", false},
		{"a version is no extension of another program", "weights-0.5", "npz", "npz", false},
		{"contradiction of another program's extension", "p.gguf", "safetensors", "the extension .gguf contradicts the format safetensors: use .safetensors", true},
		{"contradiction of a similar format", "p.npy", "npz", "use .npz", true},
		{"contradiction", "a.npz", "safetensors", "the extension is that of npz, the format safetensors", true},
		{"unknown extension", "p.bin", "", `no format has the extension ".bin"; name one with --format: safetensors, `, true},
		{"extension of another program", "p.gguf", "", `no format has the extension ".gguf"; use .safetensors or `, true},
		{"of two formats, the usual one", "a.safetensors", "", "safetensors", false},
		{"of two formats, the other one", "a.safetensors", "timm", "timm", false},
		{"state dict", "a.pth", "", "torchvision", false},
		{"TorchScript", "a.torchscript", "", "torchscript", false},
		{"state dict or TorchScript", "a.pt", "", "several formats have the extension .pt: name one with --format: torchvision, torchscript", true},
		{"state dict by name", "a.pt", "torchvision", "torchvision", false},
		{"TorchScript by name", "a.pt", "torchscript", "torchscript", false},
		{"a folder", "a", "hf", "hf", false},
		{"a folder with a file's extension", "a.pth", "hf", "change one of them", true},
		{"unknown name", "a.npz", "nzp", "did you mean npz?", true},
	} {
		f, err := ForOutput(c.path, c.format)
		if c.wrong && (err == nil || !strings.Contains(err.Error(), c.want)) || !c.wrong && (err != nil || f.Name != c.want) {
			t.Errorf("%s: %s, error %v; want %s", c.name, f.Name, err, c.want)
		}
	}
}

// TestForeign: an extension of a format is not one that contradicts every format.
func TestForeign(t *testing.T) {
	for _, f := range All {
		for _, extension := range f.Extensions {
			if slices.Contains(foreign, extension) {
				t.Errorf("%s of %s is foreign", extension, f.Name)
			}
		}
	}
}
