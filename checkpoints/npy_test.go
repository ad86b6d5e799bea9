package checkpoints

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

func TestReadsNPYOfPython(t *testing.T) {
	golden := goldenFile(t)
	of := func(name string) Array { a, _ := golden.Lookup(name); return a }
	cube := make([]float64, 24)
	for i := range cube {
		cube[i] = float64(i)
	}
	tests := []struct {
		file string
		want Array
	}{
		{"f4.npy", of("f32")},
		{"f2_v2.npy", of("f16")},
		{"i4.npy", of("i32")},
		{"u1.npy", of("u8")},
		{"bool.npy", of("bool")},
		{"empty.npy", of("empty")},
		{"f8_fortran.npy", array(t, "cube", cube, 2, 3, 4)},
		{"i8_big.npy", array(t, "big", []int64{-1, 1 << 40}, 2)},
		{"scalar.npy", array(t, "scalar", []float32{2.5})},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			got, err := ReadNPY(filepath.Join("testdata", test.file))
			if err != nil {
				t.Fatal(err)
			}
			sameArray(t, Array{test.want.Name, got}, test.want)
		})
	}
}

func TestWriteNPYThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	for _, a := range goldenFile(t).Arrays {
		if err := WriteNPY(path, a.Data); err != nil {
			t.Fatal(err)
		}
		got, err := ReadNPY(path)
		if err != nil {
			t.Fatal(err)
		}
		sameArray(t, Array{a.Name, got}, a)
	}
	if left := names(t, filepath.Dir(path)); !slices.Equal(left, []string{"a.npy"}) {
		t.Errorf("the folder holds %q", left)
	}
}

// testdata/golden.py check has read these bytes with NumPy.
func TestNPYAndNPZBytesAreThoseThatPythonRead(t *testing.T) {
	file := goldenFile(t)
	f32, _ := file.Lookup("f32")
	path := filepath.Join(t.TempDir(), "f")
	if err := WriteNPY(path, f32.Data); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, path, "testdata/from_go.npy")
	if err := WriteNPZ(path, file.Arrays); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, path, "testdata/from_go.npz")
	checkNPZ(t, path, file.Arrays)
}

func checkNPZ(t *testing.T, path string, want []Array) {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != len(want) {
		t.Fatalf("%d members, want %d", len(archive.File), len(want))
	}
	for i, member := range archive.File {
		r, err := member.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeNPY(r, int64(member.UncompressedSize64))
		if err != nil {
			t.Fatal(err)
		}
		sameArray(t, Array{strings.TrimSuffix(member.Name, ".npy"), got}, want[i])
	}
}

func TestWriteNPYAndNPZRefuse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	one := array(t, "a", []float32{1}, 1)
	refusals := map[string]error{
		"nil":         WriteNPY(path, nil),
		"int16":       WriteNPY(path, tensor.New(tensor.WithBacking([]int16{1, 2}))),
		"name twice":  WriteNPZ(path, []Array{one, one}),
		"no name":     WriteNPZ(path, []Array{{"", one.Data}}),
		"not UTF-8":   WriteNPZ(path, []Array{{"\xff", one.Data}}),
		"nil in npz":  WriteNPZ(path, []Array{{Name: "a"}}),
		"second int8": WriteNPZ(path, []Array{one, {"b", tensor.New(tensor.WithBacking([]int8{1, 2}))}}),
	}
	for name, err := range refusals {
		if !errors.Is(err, ErrArray) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := names(t, dir); left != nil {
		t.Errorf("the folder holds %q", left)
	}
	if err := WriteNPZ(filepath.Join(dir, "no", "f"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

// npy1 puts a file of version 1 together by hand.
func npy1(header string, data ...byte) []byte {
	b := append([]byte(npyMagic), 1, 0, byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), data...)
}

func TestReadNPYRefuses(t *testing.T) {
	valid := npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", 0, 0, 0, 0)
	dict := func(descr, shape string) []byte {
		return npy1("{'descr': "+descr+", 'fortran_order': False, 'shape': "+shape+"}", 0, 0, 0, 0)
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "EOF"},
		{"another magic", append([]byte("x"), valid[1:]...), "does not begin as"},
		{"version 4", append([]byte(npyMagic+"\x04\x00"), valid[8:]...), "does not begin as"},
		{"cut in the header", valid[:30], "EOF"},
		{"cut in the data", valid[:len(valid)-1], "in 3 bytes"},
		{"a byte too many", append(bytes.Clone(valid), 0), "in 5 bytes"},
		{"header of 4 GB", append([]byte(npyMagic+"\x02\x00"), 0xff, 0xff, 0xff, 0xff, 0, 0), "header of 4294967295"},
		{"not a dictionary", npy1("[1]"), `expected "{"`},
		{"code", npy1("{'descr': __import__('os')}"), "quoted text"},
		{"an escape", dict(`'<f\x34'`, "(1,)"), "quoted text"},
		{"a structured type", dict("[('a', '<f4')]", "(1,)"), "quoted text"},
		{"objects", dict("'|O'", "(1,)"), `element type "|O"`},
		{"no type", dict("''", "(1,)"), "no element type"},
		{"float32 without a byte order", dict("'|f4'", "(1,)"), "element type"},
		{"unsigned 16", dict("'<u2'", "(2,)"), "element type"},
		{"no tuple", dict("'<f4'", "1"), `expected "("`},
		{"a bare number in brackets", dict("'<f4'", "(1)"), "not a tuple"},
		{"a negative dimension", dict("'<f4'", "(-1,)"), "dimension"},
		{"a dimension over 64 bits", dict("'<f4'", "(99999999999999999999,)"), "dimension"},
		{"no dimension", dict("'<f4'", "(,)"), "dimension"},
		{"a product that overflows", dict("'<f4'", "(4294967296, 4294967296)"), "shape"},
		{"bytes that overflow", dict("'<f4'", "(4611686018427387905,)"), "shape"},
		{"65 dimensions", dict("'<f4'", "("+strings.Repeat("1,", 65)+")"), "shape"},
		{"a key twice", npy1("{'descr': '<f4', 'descr': '<f4'}"), "twice"},
		{"an unknown key", npy1("{'x': 1}"), "unknown key"},
		{"a key that is missing", npy1("{'descr': '<f4', 'shape': ()}", 0, 0, 0, 0), "missing"},
		{"no order", npy1("{'fortran_order': 0}"), `expected "False"`},
		{"text after the end", npy1("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", 0, 0, 0, 0), "after its end"},
		{"unclosed", npy1("{'descr': '<f4'"), `expected "}"`},
		{"a bool of 2", npy1("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", 2), "that is 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.npy")
			if err := os.WriteFile(path, test.file, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadNPY(path)
			if !errors.Is(err, ErrNPY) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want ErrNPY, the path and %q", err, test.want)
			}
		})
	}
	if _, err := ReadNPY(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// Whatever the bytes are: no panic, no memory beyond the file's size, and what is read can be
// written and read again as the same.
func FuzzReadNPY(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(seeds) == 0 {
		f.Fatal(err, len(seeds))
	}
	for _, path := range seeds {
		f.Add(fileBytes(f, path))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeNPY(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		values, err := flatten(got)
		if err != nil {
			t.Fatalf("read and not writable: %v", err)
		}
		var out bytes.Buffer
		if err := encodeNPY(&out, values, slices.Clone(got.Shape())); err != nil {
			t.Fatal(err)
		}
		again, err := decodeNPY(&out, int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sameArray(t, Array{"", again}, Array{"", got})
	})
}
