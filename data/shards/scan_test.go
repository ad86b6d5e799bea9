package shards

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeTar returns a tar of members given as name, content, name, content...
func makeTar(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: members[i], Size: int64(len(members[i+1])), Format: tar.FormatGNU}) // any bytes
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestScanShardNamesProblems(t *testing.T) {
	whole := makeTar(t, "a.jpg", "A", "a.cls", "1", "b.jpg", strings.Repeat("B", 2000), "b.cls", "2")
	for _, c := range []struct {
		name    string
		tar     []byte
		keys    []string
		problem string
	}{
		{"whole", whole, []string{"a", "b"}, ""},
		{"empty", nil, nil, ""},
		{"truncated in an image", whole[:3*512+1024], []string{"a"}, "truncated"},
		{"truncated in a header", whole[:4*512+100], []string{"a"}, "damaged tar file"},
		{"damaged header", slices.Replace(slices.Clone(whole), 4*512, 4*512+1, 'x'), []string{"a"}, "damaged tar file"},
		{"no image", makeTar(t, "a.cls", "1"), nil, "without an image"},
		{"no class", makeTar(t, "a.jpg", "A"), nil, "without a class"},
		{"no JSON", makeTar(t, "a.jpg", "A", "a.json", "{"), nil, "not a JSON object"},
		{"empty label", makeTar(t, "a.jpg", "A", "a.cls", " \n"), nil, "without a class"},
		{"not UTF-8, which is not lost", makeTar(t, "a\xff.jpg", "A", "a\xff.cls", "\xff"), []string{`a\xff`}, ""},
		{"other members", makeTar(t, "README", "x", "__index.txt", "y", "a.jpg", "A", "a.cls", "1", "a.npy", "z"), []string{"a"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := scanShard(t.Context(), "x.tar", bytes.NewReader(c.tar), int64(len(c.tar)))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Keys, c.keys) {
				t.Errorf("keys %q, want %q", x.Keys, c.keys)
			}
			if c.problem == "" != (len(x.Problems) == 0) || c.problem != "" && !strings.Contains(fmt.Sprint(x.Problems), c.problem) {
				t.Errorf("problems %q, want %q", x.Problems, c.problem)
			}
		})
	}
}

func TestAShardThatShrankIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tar")
	content := makeTar(t, "a.jpg", strings.Repeat("A", 1000), "a.cls", "0", "b.jpg", strings.Repeat("B", 1000), "b.cls", "0")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Source{}.Open(t.Context(), filepath.Dir(path), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadSample(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "shorter than it was") || !strings.Contains(err.Error(), "a.tar/b.jpg") {
		t.Errorf("error %v", err)
	}
}

func FuzzScanShard(f *testing.F) {
	for _, name := range []string{"cls-000000.tar", "json.tar", "names.tar"} {
		content, err := os.ReadFile("testdata/webdataset-" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		x, err := scanShard(t.Context(), "x.tar", bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.check(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := writeShardIndex(&b, []*shardIndex{x}); err != nil {
			t.Fatal(err)
		}
		back, err := readShardIndex(&b)
		if err != nil || len(back) != 1 || !slices.Equal(back[0].Keys, x.Keys) || !slices.Equal(back[0].Labels, x.Labels) {
			t.Fatalf("read back %+v, %v; want %+v", back, err, x)
		}
	})
}

func FuzzReadShardIndex(f *testing.F) {
	var b bytes.Buffer
	if err := writeShardIndex(&b, []*shardIndex{{Name: "a", Size: 9, Keys: []string{"k"}, Exts: []string{"jpg"}, Offsets: []int64{1}, Sizes: []int64{2}, Labels: []string{"0"}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		indices, err := readShardIndex(io.LimitReader(bytes.NewReader(content), 1<<16))
		for _, x := range indices {
			if err == nil && x.check() != nil {
				t.Fatal("accepted what it refuses")
			}
		}
	})
}
