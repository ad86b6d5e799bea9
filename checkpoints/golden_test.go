package checkpoints

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files that testdata/golden.py checks")

// goldenFile holds the arrays of testdata/golden.py, with the halves widened.
func goldenFile(t testing.TB) File {
	t.Helper()
	inf := float32(math.Inf(1))
	half := []float32{0, float32(math.Copysign(0, -1)), 1, -2, 65504, 1.0 / (1 << 24), 1023.0 / (1 << 24), inf, -inf}
	return File{
		Meta: map[string]string{"format": "np", `quote"`: "<a&b> é"},
		Arrays: []Array{
			array(t, "f16", half, 9),
			array(t, "f32", []float32{0, 0.25, 0.5, 0.75, 1, 1.25}, 2, 3),
			array(t, "f64", []float64{0, 1.0 / 3, 2.0 / 3}, 3),
			array(t, "i64", []int64{math.MinInt64, -1, math.MaxInt64}, 3),
			array(t, "i32", []int32{math.MinInt32, math.MaxInt32}, 2, 1),
			array(t, "u8", []uint8{0, 127, 255}, 3),
			array(t, "bool", []bool{true, false, true}, 3),
			array(t, "scalar", []int64{7}),
			array(t, "empty", []float32{}, 0, 3),
		},
	}
}

func TestReadsWhatPythonWrites(t *testing.T) {
	got, err := Read("testdata/from_python.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	want := goldenFile(t)
	if len(got.Arrays) != len(want.Arrays) {
		t.Fatalf("%d arrays, want %d", len(got.Arrays), len(want.Arrays))
	}
	for _, w := range want.Arrays {
		g, found := got.Lookup(w.Name)
		if !found {
			t.Errorf("no array %q", w.Name)
			continue
		}
		sameArray(t, g, w)
	}
	sameMeta(t, got.Meta, want.Meta)
}

// The golden file has been read by Python's safetensors: testdata/golden.py check.
func TestBytesAreThoseThatPythonRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.safetensors")
	writeFile(t, path, goldenFile(t))
	checkGolden(t, path, "testdata/from_go.safetensors")
}

func checkGolden(t *testing.T, path, golden string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the bytes differ from %s:\n%q\n%q", golden, got, want)
	}
}
