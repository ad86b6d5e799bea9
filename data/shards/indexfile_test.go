package shards

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
)

// indexOf returns an index with a number of copies of a text after the first line.
func indexOf(t *testing.T, text string, copies int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, shardIndexFormat+"\n")
	for range copies {
		if err == nil {
			_, err = io.WriteString(z, text)
		}
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const shardLine = `{"name":"a.tar","size":2048,"stamp":"","keys":["a","b"],"exts":["jpg","jpg"],"offsets":[512,1100],"sizes":[500,9],"labels":["0","1"]}` + "\n"

// TestHostileIndex: an index that no program writes is refused before it fills the memory.
func TestHostileIndex(t *testing.T) {
	if _, err := readShardIndex(bytes.NewReader(indexOf(t, shardLine, 1))); err != nil {
		t.Fatalf("a valid index: %v", err)
	}
	replaced := func(old, new string) string { return strings.Replace(shardLine, old, new, 1) }
	megabyte := strings.Repeat(" ", 1<<20)
	for _, c := range []struct {
		name, text string
		copies     int
		want       string
	}{
		{"spaces", megabyte, 8, "unpack to more than"},
		{"empty lines", strings.Repeat("\n", 1<<20), 8, "damaged index"},
		{"zeros", strings.Repeat("\x00", 1<<20), 8, "unpack to more than"},
		{"the same shard", shardLine, 10_000, `"a.tar" is repeated`},
		{"a long line", `{"name":"` + strings.Repeat("a", 8<<20), 1, "unpack to more than"},
		{"deep values", strings.Repeat("[", 100_000), 1, "damaged index"},
		{"a negative offset", replaced("[512", "[-512"), 1, "outside the shard"},
		{"a negative size", replaced("[500", "[-500"), 1, "outside the shard"},
		{"an offset beyond 64 bits", replaced("[512", "[99999999999999999999"), 1, "damaged index"},
		{"an end beyond 64 bits", replaced("[500,9]", "[500,9223372036854775807]"), 1, "outside the shard"},
		{"a sample behind the end", replaced("1100", "2040"), 1, "outside the shard"},
		{"a negative shard", replaced("2048", "-1"), 1, "outside the shard"},
		{"overlapping samples", replaced("1100", "1000"), 1, "overlaps"},
		{"another order", replaced("[512,1100]", "[1100,512]"), 1, "overlaps"},
		{"columns of two lengths", replaced(`["a","b"]`, `["a"]`), 1, "differ in length"},
		{"another version", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := indexOf(t, c.text, c.copies)
			if c.copies == 0 {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				io.WriteString(z, strings.Repeat("x", 1<<20))
				z.Close()
				content, c.want = b.Bytes(), "of another version"
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := readShardIndex(bytes.NewReader(content))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("it allocated %d MB", used>>20)
			}
		})
	}
}

// TestHostileNames: names from a server stay in the folder, and cannot be read as a query.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../a.tar", "/a.tar", "x/../../a.tar", "", ".", "..", "a//b.tar", "a.tar?token=x", `..\a.tar`, "a\n.tar", "http://host/a.tar"} {
		m := newMemory(0, 0)
		m.objects["m://x/train.index.gz"] = indexOf(t, strings.Replace(shardLine, `"a.tar"`, fmt.Sprintf("%q", name), 1), 1)
		s := Source{Path: "m://x", Cache: t.TempDir(), Remote: m}
		if found, _, err := s.Find(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be the name of a shard") {
			t.Errorf("index with %q: %q, error %v", name, found.Train, err)
		}
		if !strings.HasSuffix(name, ".tar") {
			continue
		}
		s = Source{Path: "m://x", Cache: t.TempDir(), Remote: listed{newMemory(0, 0), []string{name}}}
		if found, _, err := s.Find(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be the name of a shard") {
			t.Errorf("listing with %q: %q, error %v", name, found.Train, err)
		}
	}
}

// listed is a Remote with a listing.
type listed struct {
	*memoryRemote
	names []string
}

func (l listed) List(context.Context, string) ([]string, error) { return l.names, nil }

// refusing is a Remote whose answers are an error.
type refusing struct {
	*memoryRemote
	err error
}

func (r refusing) Open(context.Context, string, int64) (io.ReadCloser, Object, error) {
	return nil, Object{}, r.err
}

// TestMissingIndexIsExplained: an index that is missing is not an error by itself, one that is refused is.
func TestMissingIndexIsExplained(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"missing", fmt.Errorf("404: %w", fs.ErrNotExist), "404: file does not exist; without an index, name the shards: m://x/train-{000000..000127}.tar"},
		{"forbidden", fmt.Errorf("403: %w", fs.ErrPermission), "403: permission denied; without an index, name the shards"},
		{"refused", fmt.Errorf("unknown certificate (%w, %w)", ErrRefused, fs.ErrPermission), "m://x/train.index.gz: unknown certificate"},
	} {
		s := Source{Path: "m://x", Cache: t.TempDir(), Remote: refusing{newMemory(0, 0), c.err}}
		if _, _, err := s.Find(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
