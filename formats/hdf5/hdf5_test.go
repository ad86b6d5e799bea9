package hdf5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testBudget is more than any file of the tests needs.
const testBudget = 16 << 20

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// content reads everything: arrays by their paths, and the paths of all objects in order.
func content(b []byte, budget int64) (arrays map[string]Array, paths []string, err error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)), budget)
	if err != nil {
		return nil, nil, err
	}
	arrays = map[string]Array{}
	err = f.Walk(func(string) bool { return false }, func(o Object) error {
		paths = append(paths, o.Path)
		for _, name := range []string{"fixed", "variable", "list"} {
			if _, err := o.Text(name); err != nil {
				return err
			}
		}
		if !o.IsDataset() {
			return nil
		}
		a, err := o.Read()
		arrays[o.Path] = a
		return err
	})
	return arrays, paths, err
}

// TestRead reads what h5py wrote (testdata/make.py).
func TestRead(t *testing.T) {
	types := map[string][]int{}
	for _, name := range []string{"little_f2", "little_f4", "little_f8", "big_f4", "little_i8", "little_i4", "little_i2", "i1"} {
		types["types/"+name] = []int{3, 5}
	}
	common := map[string][]int{"layouts/scalar": {}, "layouts/empty": {0, 3}, "layouts/one_chunk": {4, 6}, "layouts/one_chunk_gzip": {4, 6}}
	for _, c := range []struct {
		file   string
		arrays []map[string][]int // shapes by path
	}{
		{"default.h5", []map[string][]int{types, common, {"types/u1": {3, 5}, "layouts/chunks": {5, 7}, "layouts/chunks_gzip_shuffle": {5, 7, 3}, "layouts/resizable": {5}, "a/b/c/d/e/kernel": {2, 3}, "a/hard/c/d/e/kernel": {2, 3}}}},
		{"latest.h5", []map[string][]int{types, common}},
		{"user_block.h5", []map[string][]int{{"x": {3}}}},
		{"ordered.h5", []map[string][]int{{"z": {2}, "a": {2}, "m": {2}}}},
		{"many.h5", []map[string][]int{{"layer_179/kernel": {3}}}},
	} {
		t.Run(c.file, func(t *testing.T) {
			arrays, _, err := content(file(t, c.file), testBudget)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, shapes := range c.arrays {
				want += len(shapes)
				for path, shape := range shapes {
					a, ok := arrays[path]
					if !ok || !slices.Equal(a.Shape, shape) {
						t.Errorf("%s: shape %v, want %v", path, a.Shape, shape)
					}
					for i, v := range a.Values {
						if v != wantValue(path, i, len(a.Values)) {
							t.Fatalf("%s: element %d is %v, want %v", path, i, v, wantValue(path, i, len(a.Values)))
						}
					}
				}
			}
			if len(arrays) != want {
				t.Errorf("%d arrays, want %d", len(arrays), want)
			}
		})
	}
}

// wantValue is the formula of make.py.
func wantValue(path string, i, n int) float32 {
	switch {
	case strings.HasSuffix(path, "u1"):
		return float32(i)
	case strings.Contains(path, "_i") || strings.HasSuffix(path, "i1"):
		return float32(i - n/2)
	}
	return float32(i-n/2) + 0.5
}

// TestText reads attributes.
func TestText(t *testing.T) {
	want := map[string][]string{"fixed": {"text"}, "variable": {"ü and more"}, "list": {"a", "bcd"}, "variable_list": {"x", "", "yz"}, "number": nil, "none": nil}
	for _, name := range []string{"default.h5", "latest.h5"} {
		b := file(t, name)
		f, err := Open(bytes.NewReader(b), int64(len(b)), testBudget)
		if err != nil {
			t.Fatal(err)
		}
		err = f.Walk(func(path string) bool { return path != "" }, func(o Object) error {
			for attribute, texts := range want {
				if got, err := o.Text(attribute); err != nil || !slices.Equal(got, texts) {
					t.Errorf("%s: %s is %q, %v; want %q", name, attribute, got, err, texts)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestOrder: members come in the order of the file, by name or as they were made.
func TestOrder(t *testing.T) {
	_, paths, err := content(file(t, "many.h5"), testBudget)
	if err != nil || len(paths) != 182 || !slices.IsSorted(paths) {
		t.Errorf("%d paths, sorted %v, %v", len(paths), slices.IsSorted(paths), err)
	}
}

// TestSkip: what is skipped is not opened.
func TestSkip(t *testing.T) {
	b := file(t, "refused_compound.h5")
	f, err := Open(bytes.NewReader(b), int64(len(b)), testBudget)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Walk(func(path string) bool { return path == "x" }, func(o Object) error {
		if o.IsDataset() {
			_, err := o.Read()
			return err
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// change returns the file with bytes at a place behind the first, or last, occurrence of a signature replaced.
func change(t *testing.T, name, signature string, offset int, to ...byte) []byte {
	t.Helper()
	b := file(t, name)
	i := bytes.LastIndex(b, []byte(signature))
	if i < 0 {
		t.Fatalf("%s has no %s", name, signature)
	}
	copy(b[i+offset:], to)
	return b
}

// TestRefuses: files that are damaged, hostile, or use what is not read.
func TestRefuses(t *testing.T) {
	whole := file(t, "default.h5")
	rootEntry := binary.LittleEndian.AppendUint64(nil, 0x60) // the root's object header in files of h5py
	for _, c := range []struct {
		name  string
		bytes []byte
		is    error
		want  string
	}{
		{"empty", nil, ErrFormat, "no HDF5 signature"},
		{"text", []byte(strings.Repeat("hello ", 1000)), ErrFormat, "no HDF5 signature"},
		{"the signature alone", []byte(Signature), ErrFormat, ""},
		{"half of the file", whole[:len(whole)/2], ErrFormat, ""},
		{"superblock version 9", change(t, "default.h5", Signature, 8, 9), ErrUnsupported, "superblock version 9"},
		{"addresses of 3 bytes", change(t, "default.h5", Signature, 13, 3), ErrFormat, "addresses of 3 bytes"},
		{"root beyond the end", change(t, "default.h5", Signature, 64, 0xff, 0xff, 0xff, 0xff), ErrFormat, ""},
		{"B-tree of another type", change(t, "many.h5", "TREE", 4, 1), ErrFormat, "B-tree of type 1"},
		{"B-tree that is its own child", selfTree(t), ErrFormat, "more than 32 levels"},
		{"name beyond the heap", change(t, "many.h5", "SNOD", 8, 0xff, 0xff, 0xff), ErrFormat, "a name at"},
		{"group inside itself", change(t, "many.h5", "SNOD", 16, rootEntry...), ErrFormat, "inside itself"},
		{"link to the group above", file(t, "refused_cycle.h5"), ErrFormat, "inside itself"},
		{"groups in a fractal heap", file(t, "refused_dense.h5"), ErrUnsupported, "fractal heap"},
		{"checksums of chunks", file(t, "refused_fletcher32.h5"), ErrUnsupported, "filter 3"},
		{"chunks with another index", file(t, "refused_extensible.h5"), ErrUnsupported, "index of type 4"},
		{"numbers in another file", file(t, "refused_external.h5"), ErrUnsupported, "another file"},
		{"named datatype", file(t, "refused_shared_type.h5"), ErrUnsupported, "shared message"},
		{"records", file(t, "refused_compound.h5"), ErrUnsupported, "class 6"},
		{"no data", file(t, "refused_no_data.h5"), ErrFormat, "no data"},
		{"missing chunk", file(t, "refused_missing_chunk.h5"), ErrFormat, "1 chunks of 2"},
		{"large shape", change(t, "user_block.h5", "\x01\x01\x01\x00\x00\x00\x00\x00\x03", 8, 0, 0, 0, 0, 1), ErrFormat, "shape"},
		{"shape that overflows", change(t, "user_block.h5", "\x01\x01\x01\x00\x00\x00\x00\x00\x03", 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), ErrFormat, "dimension"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := content(c.bytes, testBudget)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %v with %q", err, c.is, c.want)
			}
		})
	}
}

// selfTree is a file whose first B-tree node has itself as each child, one level up.
func selfTree(t *testing.T) []byte {
	b := file(t, "many.h5")
	i := bytes.Index(b, []byte("TREE"))
	b[i+5] = 1
	used := int(binary.LittleEndian.Uint16(b[i+6:]))
	for n := range used {
		binary.LittleEndian.PutUint64(b[i+24+16*n+8:], uint64(i))
	}
	return b
}

// TestBudget: what reading takes is bounded, however often a structure is referred to.
func TestBudget(t *testing.T) {
	b := file(t, "default.h5")
	for budget := range int64(40) {
		if _, _, err := content(b, budget*100); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "too large") {
			t.Fatalf("budget %d: %v", budget*100, err)
		}
	}
}

// FuzzRead: whatever the bytes are, reading ends within its budget, and arrays have the sizes of their shapes.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.h5"))
	if err != nil || len(names) < 10 {
		f.Fatal(len(names), err)
	}
	for _, name := range names {
		if !strings.Contains(name, "many") { // large for a fuzzer
			f.Add(file(f, filepath.Base(name)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		arrays, _, err := content(b, 1<<20)
		if err != nil {
			return
		}
		for path, a := range arrays {
			n := 1
			for _, d := range a.Shape {
				n *= d
			}
			if n != len(a.Values) {
				t.Errorf("%s: %d values of shape %v", path, len(a.Values), a.Shape)
			}
		}
	})
}

// ExampleOpen prints the arrays of a file.
func ExampleOpen() {
	b, err := os.ReadFile(filepath.Join("testdata", "ordered.h5"))
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)), 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = f.Walk(func(string) bool { return false }, func(o Object) error {
		if !o.IsDataset() {
			return nil
		}
		a, err := o.Read()
		fmt.Println(o.Path, a.Shape, a.Type, a.Values)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// z [2] float32 [-0.5 0.5]
	// a [2] float32 [-0.5 0.5]
	// m [2] float32 [-0.5 0.5]
}
