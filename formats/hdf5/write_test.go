package hdf5

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// sample has every structure that is written: nested and empty groups, scalar and empty datasets, text of every kind.
func sample() Group {
	dataset := func(shape ...int) *Dataset {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return &Dataset{Shape: shape, Values: func() ([]float32, error) {
			values := make([]float32, n)
			for i := range values {
				values[i] = float32(i) - 0.5
			}
			return values, nil
		}}
	}
	many := make([]string, MaxTexts)
	for i := range many {
		many[i] = fmt.Sprint("layer ", i)
	}
	wide := Group{}
	for i := range 300 {
		wide.Members = append(wide.Members, Member{Name: fmt.Sprint("member ", i)})
	}
	return Group{
		Attributes: []Attribute{{Name: "long", Scalar: true, Text: []string{strings.Repeat("0123456789", 20_000)}}, {Name: "none"}},
		Members: []Member{
			{Name: "z", Group: Group{
				Attributes: []Attribute{{Name: "names", Text: []string{"a", "", "ü 漢字"}}, {Name: "empty", Scalar: true, Text: []string{""}}, {Name: "many", Text: many}},
				Members:    []Member{{Name: "vector", Dataset: dataset(3)}, {Name: "größe", Dataset: dataset(3, 1, 2, 5)}, {Name: "large", Dataset: dataset(33, 1001)}},
			}},
			{Name: "a", Group: Group{}},
			{Name: "scalar", Dataset: dataset()},
			{Name: "nothing", Dataset: dataset(0, 3)},
			{Name: "wide", Group: wide},
		},
	}
}

// writtenDigest is the SHA-256 of the file of sample, which h5py 3.14.0 with HDF5 1.14.6 reads and changes as testdata/check.py
// expects.
const writtenDigest = "ae47e6317ac486649021f9ee645bfff5a129fe68e01af1109040f7ba4581b48b"

// TestWrite reads with this package's reader what was written, and compares the bytes with those that libhdf5 has read.
func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("DEPTHWISE_WRITTEN_H5"); path != "" { // for testdata/check.py
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(b.Bytes())); sum != writtenDigest {
		t.Errorf("SHA-256 %s, want %s: check the new bytes with testdata/check.py", sum, writtenDigest)
	}
	arrays, _, err := content(b.Bytes(), 100<<20)
	if err != nil {
		t.Fatal(err)
	}
	for path, shape := range map[string][]int{"z/vector": {3}, "z/größe": {3, 1, 2, 5}, "z/large": {33, 1001}, "scalar": {}, "nothing": {0, 3}} {
		a, ok := arrays[path]
		if !ok || !slices.Equal(a.Shape, shape) {
			t.Errorf("%s: shape %v, want %v", path, a.Shape, shape)
		}
		for i, v := range a.Values {
			if v != float32(i)-0.5 {
				t.Fatalf("%s[%d] = %v", path, i, v)
			}
		}
	}
}

// TestWriteErrors: what the format cannot hold, and values that fail or do not fit.
func TestWriteErrors(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name string
		root Group
		want string
	}{
		{"a name twice", Group{Members: []Member{{Name: "a"}, {Name: "a"}}}, `"a" cannot be the name`},
		{"a slash", Group{Members: []Member{{Name: "g", Group: Group{Members: []Member{{Name: "a/b"}}}}}}, `"a/b" cannot be the name`},
		{"no name", Group{Members: []Member{{}}}, `"" cannot be the name`},
		{"too many strings", Group{Attributes: []Attribute{{Name: "a", Text: make([]string, MaxTexts+1)}}}, "of 4001 strings"},
		{"too many strings in all", Group{Attributes: manyTexts(17)}, "more than 65535 strings in a file"},
		{"values of another shape", Group{Members: []Member{{Name: "a", Dataset: &Dataset{Shape: []int{3}, Values: func() ([]float32, error) { return make([]float32, 2), nil }}}}}, "2 values for shape [3]"},
		{"values that fail", Group{Members: []Member{{Name: "a", Dataset: &Dataset{Shape: []int{3}, Values: func() ([]float32, error) { return nil, failed }}}}}, "failed"},
	} {
		if err := Write(&bytes.Buffer{}, c.root); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if err := Write(fullDisk{}, sample()); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

// manyTexts are attributes with the most strings that one can have.
func manyTexts(n int) []Attribute {
	list := make([]Attribute, n)
	for i := range list {
		list[i] = Attribute{Name: fmt.Sprint("a", i), Text: slices.Repeat([]string{"x"}, MaxTexts)}
	}
	return list
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
