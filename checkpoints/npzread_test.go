package checkpoints

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/internal/zipfile"
)

// npzOf is a .npz of members, given as name and content in turn.
func npzOf(t testing.TB, method uint16, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		if err == nil {
			_, err = w.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReadNPZ reads what WriteNPZ wrote, and members of Python's files, stored and compressed.
func TestReadNPZ(t *testing.T) {
	want := []Array{array(t, "a/b", []float32{1, 2, 3, 4}, 2, 2), array(t, "c", []int64{7}), array(t, "d", []uint8{}, 0)}
	path := filepath.Join(t.TempDir(), "w.npz")
	if err := WriteNPZ(path, want); err != nil {
		t.Fatal(err)
	}
	got, comment, err := ReadNPZ(path)
	if err != nil {
		t.Fatal(err)
	}
	if comment != "" {
		t.Errorf("comment %q", comment)
	}
	sameFile(t, File{Arrays: got}, File{Arrays: want})
	for _, text := range []string{"a comment", strings.Repeat("x", MaxNPZComment)} {
		if err := WriteNPZWithComment(path, want, text); err != nil {
			t.Fatal(err)
		}
		if _, comment, err = ReadNPZ(path); comment != text || err != nil {
			t.Errorf("%.20q, %v", comment, err)
		}
	}
	if err := WriteNPZWithComment(path, want, strings.Repeat("x", MaxNPZComment+1)); err == nil {
		t.Error("a comment that is too long was written")
	}
	for name, method := range map[string]uint16{"stored": zip.Store, "compressed": zip.Deflate} {
		var members []string
		for _, file := range []string{"f4_v2.npy", "f8_fortran.npy", "i8_big.npy", "scalar.npy", "f2.npy"} {
			if b, err := os.ReadFile(filepath.Join("testdata", file)); err == nil {
				members = append(members, file, string(b))
			}
		}
		if len(members) < 6 {
			t.Fatal(members)
		}
		for _, c := range members[:1] {
			b := npzOf(t, method, members...)
			archive, err := zipfile.New(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := readNPZ(archive)
			if err != nil || len(got) != len(members)/2 || got[0].Name+".npy" != c {
				t.Errorf("%s: %d arrays, %v", name, len(got), err)
			}
			want, err := ReadNPY(filepath.Join("testdata", c))
			if err != nil {
				t.Fatal(err)
			}
			sameFile(t, File{Arrays: got[:1]}, File{Arrays: []Array{{Name: got[0].Name, Data: want}}})
		}
	}
}

func TestReadNPZRefuses(t *testing.T) {
	right := string(npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 0, 0, 0x80, 0x3f))
	for _, c := range []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"no zip", []byte("hello"), zipfile.ErrFormat, ""},
		{"another member", npzOf(t, zip.Store, "a.npy", right, "b.txt", "hello"), ErrNPY, `"b.txt" is not a .npy file`},
		{"no array", npzOf(t, zip.Store, "a.npy", "hello"), ErrNPY, `array "a"`},
		{"objects", npzOf(t, zip.Store, "a.npy", string(npy1("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 0x80))), ErrNPY, "element type"},
		{"negative size", npzOf(t, zip.Store, "a.npy", string(npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"))), ErrNPY, "dimension"},
		{"larger than its bytes", npzOf(t, zip.Store, "a.npy", string(npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"))), ErrNPY, "array of shape"},
		{"twice", npzOf(t, zip.Store, "a.npy", right, "a.npy", right), zipfile.ErrFormat, "two members"},
		{"bomb", npzOf(t, zip.Deflate, "a.npy", strings.Repeat("\x00", 65<<20)), zipfile.ErrFormat, "unpack to more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w.npz")
			if err := os.WriteFile(path, c.file, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ReadNPZ(path); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %v with %q and the path", err, c.is, c.want)
			}
		})
	}
	if _, _, err := ReadNPZ(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzReadNPZ: whatever the bytes are, reading ends, and arrays have their names.
func FuzzReadNPZ(f *testing.F) {
	right := string(npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 0, 0, 0x80, 0x3f))
	f.Add(npzOf(f, zip.Store, "a.npy", right))
	f.Add(npzOf(f, zip.Deflate, "a.npy", right, "b.npy", right))
	f.Fuzz(func(t *testing.T, b []byte) {
		archive, err := zipfile.New(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if arrays, err := readNPZ(archive); err == nil && len(arrays) != len(archive.Names()) {
			t.Errorf("%d arrays of %q", len(arrays), archive.Names())
		}
	})
}
