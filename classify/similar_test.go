package classify

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/internal/testset"
	"depthwise.dev/weights/weightstest"
)

func TestCosineSimilarity(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b []float32
		want float64
	}{
		{"one direction", []float32{1, 2, 2}, []float32{2, 4, 4}, 1},
		{"opposite", []float32{1, 2}, []float32{-1, -2}, -1},
		{"orthogonal", []float32{1, 0}, []float32{0, 5}, 0},
		{"60 degrees", []float32{1, 0}, []float32{0.5, float32(math.Sqrt(0.75))}, 0.5},
		{"zero", []float32{0, 0}, []float32{1, 1}, 0},
		{"large values", []float32{1e30, 0}, []float32{1e30, 1e30}, math.Sqrt(0.5)}, // their squares overflow float32
	} {
		if got := CosineSimilarity(c.a, c.b); math.Abs(got-c.want) > 1e-7 { // float32 inputs
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		v := slices.Clone(c.a)
		if Normalize(v); norm(c.a) > 0 && math.Abs(norm(v)-1) > 1e-6 || norm(c.a) == 0 && norm(v) != 0 {
			t.Errorf("%s: norm %v after normalization", c.name, norm(v))
		}
	}
}

func TestNearest(t *testing.T) {
	e := Embeddings{Paths: []string{"x", "y", "xy", "x2"}, Values: []float32{1, 0, 0, 1, 1, 1, 2, 0}, Dim: 2}
	for _, c := range []struct {
		name  string
		query []float32
		top   int
		skip  string
		want  []string
	}{
		{"equal ones in order", []float32{1, 0}, 2, "", []string{"x", "x2"}},
		{"all", []float32{1, 0}, 9, "", []string{"x", "x2", "xy", "y"}},
		{"without the query", []float32{1, 0}, 2, "x", []string{"x2", "xy"}},
		{"another dimension", []float32{1}, 1, "", nil},
	} {
		list, err := e.Nearest(c.query, c.top, func(path string) bool { return path == c.skip })
		var got []string
		for _, n := range list {
			got = append(got, n.Image)
		}
		if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// TestEmbeddingFiles: embeddings are read as they were written; files that do not fit are refused.
func TestEmbeddingFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	e := Embeddings{Paths: []string{"a,\"b\".jpg", "caf\xe9.png", "line\nbreak.png"}, Values: []float32{0, 1e-30, 0.1, -2.5, 16777217, math.MaxFloat32 / 4}, Dim: 2}
	if err := e.WriteNPY("e.npy", "paths.csv"); err != nil {
		t.Fatal(err)
	}
	if err := e.WriteCSV("e.csv"); err != nil {
		t.Fatal(err)
	}
	for _, f := range [][2]string{{"e.npy", "paths.csv"}, {"e.csv", ""}} {
		if got, err := ReadEmbeddings(f[0], f[1]); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v, %v; want %+v", f[0], got, err, e)
		}
	}
	if !IsPathList("paths.csv") || IsPathList("e.csv") || IsPathList("missing.csv") {
		t.Error("lists of paths are not told apart")
	}
	two := Embeddings{Paths: e.Paths[:2], Values: e.Values[:4], Dim: 2}
	nan := Embeddings{Paths: []string{"n"}, Values: []float32{float32(math.NaN())}, Dim: 1}
	for file, text := range map[string]string{"empty.csv": "", "table.csv": "name,label\nx,1\n", "text.csv": "path,0\nx,red\n", "ragged.csv": "path,0\nx,1,2\n",
		"quote.csv": "path,0\n\"x,1\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.WriteNPY("two.npy", "two.csv"); err != nil {
		t.Fatal(err)
	}
	if err := nan.WriteNPY("nan.npy", "nan.csv"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(arrayFile(t, make([]float32, 12), 1, 3, 2, 2), "images.npy"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, paths, want string }{
		{"a missing list", "e.npy", "missing.csv", "missing.csv"},
		{"a list of another file", "e.npy", "two.csv", "e.npy has 3 rows and two.csv lists 2 images"},
		{"a list alone", "two.csv", "", "belongs to a .npy file"},
		{"a batch of images", "images.npy", "two.csv", "must be float32 of shape (images, features)"},
		{"NaN", "nan.npy", "nan.csv", "the embedding of n has values that are not finite"},
		{"an empty table", "empty.csv", "", "the file is empty"},
		{"another table", "table.csv", "", `its first column is "name"`},
		{"words", "text.csv", "", `line 2: "red" is no number`},
		{"a longer row", "ragged.csv", "", "line 2"},
		{"an open quote", "quote.csv", "", "quote.csv"},
		{"a folder", ".", "", "."},
	} {
		if _, err := ReadEmbeddings(c.file, c.paths); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestCheckEmbeddings: embeddings of other weights are found.
func TestCheckEmbeddings(t *testing.T) {
	path, dir := written(t), testset.Images(t, 2, 0)
	c := EmbedConfig{Weights: path, Options: onCPU}
	e, err := Embed(t.Context(), c, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	other := weightstest.New(t)
	for i, a := range other.Graph.Arrays() {
		copy(other.Arrays[i].Data.Data().([]float32), a.Initial(4))
	}
	stranger := filepath.Join(t.TempDir(), "w.safetensors")
	if err := other.Write(stranger); err != nil {
		t.Fatal(err)
	}
	moved, narrow := e, e
	moved.Paths, narrow.Dim = make([]string, len(e.Paths)), 128
	for _, tc := range []struct {
		name    string
		e       Embeddings
		weights string
		checked bool
		err     string
	}{
		{"the same weights", e, path, true, ""},
		{"other weights", e, stranger, false, "of other weights"},
		{"another number of values", narrow, path, false, "have 128 values and those of " + path + " have 256"},
		{"moved images", moved, path, false, ""},
		{"none", Embeddings{Dim: 256}, path, false, ""},
	} {
		c.Weights = tc.weights
		checked, err := tc.e.Check(t.Context(), c)
		if checked != tc.checked || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %v, %v; want %v, %q", tc.name, checked, err, tc.checked, tc.err)
		}
	}
}

func FuzzEmbeddingsCSV(f *testing.F) {
	for _, text := range []string{"path\nx\n", "path,0,1\n\"a,b\",1,-2e-3\n", "path,0\nx,NaN\n", "", "path,0\n\\xe9,1\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseRows(strings.NewReader(text))
		if err == nil && len(e.Values) != len(e.Paths)*e.Dim {
			t.Errorf("%d values of %d images with %d each", len(e.Values), len(e.Paths), e.Dim)
		}
	})
}
