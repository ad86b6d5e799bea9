package pickle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/internal/floats"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read returns the state dict of a file with the numbers of its tensors.
func read(b []byte) (entries, average []Entry, values map[string][]float32, err error) {
	f, err := New(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, nil, nil, err
	}
	if entries, average, err = f.State(); err != nil {
		return nil, nil, nil, err
	}
	values = map[string][]float32{}
	for _, e := range slices.Concat(entries, average) {
		if values[e.Name], err = f.Read(e.Tensor); err != nil {
			return nil, nil, nil, err
		}
	}
	return entries, average, values, nil
}

// wantTensors is the state dict of testdata/make.py.
var wantTensors = []struct {
	name   string
	size   []int
	kind   floats.Type
	values []float32
}{
	{"float32", []int{2, 3}, floats.Float32, []float32{-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}},
	{"float64", []int{2, 3}, floats.Float64, []float32{-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}},
	{"float16", []int{2, 3}, floats.Float16, []float32{-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}},
	{"bfloat16", []int{2, 3}, floats.BFloat16, []float32{-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}},
	{"int64", []int{3}, floats.Int64, []float32{-1, 0, 1}},
	{"int32", []int{3}, floats.Int32, []float32{-1, 0, 1}},
	{"uint8", []int{3}, floats.Uint8, []float32{0, 1, 2}},
	{"scalar", []int{}, floats.Int64, []float32{0}},
	{"empty", []int{0, 3}, floats.Float32, []float32{}},
	{"parameter", []int{6}, floats.Float32, []float32{-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}},
	{"view", []int{2, 3}, floats.Float32, []float32{-5.5, -4.5, -3.5, -2.5, -1.5, -0.5}},
	{"transposed", []int{3, 2}, floats.Float32, []float32{0.5, 3.5, 1.5, 4.5, 2.5, 5.5}},
	{"channels_last", []int{1, 2, 2, 3}, floats.Float32, []float32{0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 1.5, 3.5, 5.5, 7.5, 9.5, 11.5}},
}

// TestRead reads state dicts of every form, alone and in training checkpoints.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		file, prefix string
		average      bool
	}{
		{"zip.pth", "", false}, {"zip_protocol5.pth", "", false}, {"zip_deflated.pth", "", false}, {"legacy.pth", "", false},
		{"checkpoint.pth", "module.", true}, {"checkpoint_legacy.pth", "module.", true}, {"checkpoint_protocol5.pth", "module.", true},
	} {
		t.Run(c.file, func(t *testing.T) {
			entries, average, values, err := read(file(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != len(wantTensors) || (len(average) == len(wantTensors)) != c.average {
				t.Fatalf("%d tensors and %d of the average", len(entries), len(average))
			}
			for i, want := range wantTensors {
				e := entries[i]
				if kind, known := e.Tensor.Type(); e.Name != c.prefix+want.name || !slices.Equal(e.Tensor.Size, want.size) || kind != want.kind || !known {
					t.Errorf("tensor %q of size %v and type %v, want %+v", e.Name, e.Tensor.Size, kind, want)
				}
				if got := values[e.Name]; !slices.Equal(got, want.values) {
					t.Errorf("%s is %v, want %v", e.Name, got, want.values)
				}
			}
		})
	}
}

// TestOpen reads a file by its path.
func TestOpen(t *testing.T) {
	f, err := Open(filepath.Join("testdata", "legacy.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.State(); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Join("testdata", "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	path := filepath.Join("testdata", "refused_plain.pth")
	if _, err := Open(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

// TestNested finds the state dict in checkpoints.
func TestNested(t *testing.T) {
	tensors := func(name string) *Dict { return &Dict{[]any{name}, []any{&Tensor{storage: &storage{}}}} }
	dict := func(keysAndValues ...any) *Dict {
		d := &Dict{}
		if err := set(d, keysAndValues); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		name          string
		root          any
		main, average string // name of the first tensor
		wrong         string // or part of the error
	}{
		{"plain", tensors("w"), "w", "", ""},
		{"state_dict", dict("epoch", int64(1), "state_dict", tensors("w")), "w", "", ""},
		{"model", dict("model", tensors("w"), "optimizer", tensors("o")), "w", "", ""},
		{"model_state_dict", dict("model_state_dict", tensors("w")), "w", "", ""},
		{"state_dict in model", dict("model", dict("state_dict", tensors("w"))), "w", "", ""},
		{"timm's average", dict("state_dict", tensors("w"), "state_dict_ema", tensors("a")), "w", "a", ""},
		{"torchvision's average", dict("model", tensors("w"), "model_ema", tensors("a")), "w", "a", ""},
		{"average with a module", dict("model", tensors("w"), "ema", dict("module", tensors("a"), "updates", int64(5))), "w", "a", ""},
		{"average alone", dict("model_ema", tensors("a")), "a", "", ""},
		{"other values beside", dict("w", &Tensor{storage: &storage{}}, "epoch", int64(2)), "w", "", ""},
		{"no tensors", dict("epoch", int64(1), int64(2), nil), "", "", "its keys are epoch, a int64; one of state_dict"},
		{"nothing", dict(), "", "", "its keys are none"},
		{"a list", &List{}, "", "", "it holds a list"},
		{"none", nil, "", "", "it holds None"},
		{"a tensor", &Tensor{}, "", "", "it holds a tensor"},
		{"nested without end", func() *Dict { d := dict(); d.Keys, d.Values = []any{"model"}, []any{d}; return d }(), "", "", "no state dict"},
		{"a name twice", dict("w", &Tensor{}, "w", &Tensor{}), "", "", `two tensors "w"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := File{Root: c.root}
			entries, average, err := f.State()
			first := func(list []Entry) string {
				if len(list) == 0 {
					return ""
				}
				return list[0].Name
			}
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || first(entries) != c.main || first(average) != c.average {
				t.Errorf("tensors %q and %q, %v; want %q and %q", first(entries), first(average), err, c.main, c.average)
			}
		})
	}
}
