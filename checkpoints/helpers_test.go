package checkpoints

import (
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"
)

func array[T Element](t testing.TB, name string, data []T, shape ...int) Array {
	t.Helper()
	a, err := NewArray(name, data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func writeFile(t testing.TB, path string, f File) {
	t.Helper()
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
}

// sameFile compares bit for bit: NaNs and negative zeros count.
func sameFile(t testing.TB, got, want File) {
	t.Helper()
	if len(got.Arrays) != len(want.Arrays) {
		t.Fatalf("%d arrays, want %d", len(got.Arrays), len(want.Arrays))
	}
	for i := range want.Arrays {
		sameArray(t, got.Arrays[i], want.Arrays[i])
	}
	sameMeta(t, got.Meta, want.Meta)
}

func sameMeta(t testing.TB, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("metadata %q, want %q", got, want)
	}
}

func sameArray(t testing.TB, got, want Array) {
	t.Helper()
	g, err := flatten(got.Data)
	if err != nil {
		t.Fatalf("array %q: %v", got.Name, err)
	}
	w, err := flatten(want.Data)
	if err != nil {
		t.Fatalf("array %q: %v", want.Name, err)
	}
	if got.Name != want.Name || !slices.Equal(got.Data.Shape(), want.Data.Shape()) || !reflect.DeepEqual(bitsOf(g), bitsOf(w)) {
		t.Errorf("array %q %v %v, want %q %v %v", got.Name, got.Data.Shape(), g, want.Name, want.Data.Shape(), w)
	}
}

// bitsOf converts floating-point numbers to their bits, for exact comparison.
func bitsOf(values any) any {
	switch v := values.(type) {
	case []float32:
		bits := make([]uint32, len(v))
		for i := range v {
			bits[i] = math.Float32bits(v[i])
		}
		return bits
	case []float64:
		bits := make([]uint64, len(v))
		for i := range v {
			bits[i] = math.Float64bits(v[i])
		}
		return bits
	}
	return values
}

func fileBytes(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names lists a folder.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
