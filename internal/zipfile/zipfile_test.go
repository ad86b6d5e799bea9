package zipfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// packed is a zip of members, given as name and content in turn.
func packed(t testing.TB, method uint16, members ...string) []byte {
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

// declared is a zip whose directory says that its members have sizes that they do not have.
func declared(t testing.TB, content string, sizes ...uint64) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, size := range sizes {
		w, err := z.CreateRaw(&zip.FileHeader{Name: string(rune('a' + i)), Method: zip.Store, CompressedSize64: uint64(len(content)), UncompressedSize64: size})
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRead(t *testing.T) {
	for name, method := range map[string]uint16{"stored": zip.Store, "deflated": zip.Deflate} {
		b := packed(t, method, "a", "hello", "../b", "")
		a, err := New(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Read("a"); string(got) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if got, err := a.Read("../b"); len(got) != 0 || err != nil {
			t.Errorf("%s: empty member: %q, %v", name, got, err)
		}
		if _, err := a.Read("none"); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: no member: %v", name, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	damaged := packed(t, zip.Store, "a", "hello")
	damaged[bytes.Index(damaged, []byte("hello"))] = 'j'
	for _, c := range []struct{ name, want, zip string }{
		{"no zip", "not a valid zip", "hello"},
		{"empty", "not a valid zip", ""},
		{"truncated", "not a valid zip", string(packed(t, zip.Store, "a", "hello")[:60])},
		{"bomb", "unpack to more than", declared(t, "hello", 70<<20)},
		{"many small bombs", "unpack to more than", declared(t, "hello", 33<<20, 33<<20)},
		{"sizes that overflow together", "unpack to more than", declared(t, "hello", 1<<63, 1<<63)},
		{"less than the directory says", "not a valid zip", declared(t, "hello", 1<<20)},
		{"more than the directory says", "not a valid zip", declared(t, "hello", 2)},
		{"repeated name", "two members", string(packed(t, zip.Store, "a", "1", "a", "2"))},
		{"damaged", "checksum", string(damaged)},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := New(strings.NewReader(c.zip), int64(len(c.zip)))
			if err == nil {
				_, err = a.Read("a")
			}
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzRead: whatever the bytes are, reading ends, within the limit.
func FuzzRead(f *testing.F) {
	f.Add(packed(f, zip.Deflate, "a", "hello", "b", "x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := New(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		total := 0
		for _, name := range a.Names() {
			content, err := a.Read(name)
			if err == nil && int64(len(content)) != a.Size(name) {
				t.Errorf("%d bytes of %q, want %d", len(content), name, a.Size(name))
			}
			total += len(content)
		}
		if int64(total) > Allowed(int64(len(b))) {
			t.Errorf("%d bytes from %d", total, len(b))
		}
	})
}
