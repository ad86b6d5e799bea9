package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/weights"
)

// plain replaces the table by one file at an address of the content server.
func (s *site) plain(digest string) Known {
	k := Known{Name: "torchvision/net", Aliases: []string{"torchvision/alias"}, Arch: "mobilenet_v2", Width: 1,
		Address: s.cdn.URL + "/model.safetensors", SHA256: digest, License: "bsd-3-clause",
		Preprocess: data.Preprocess{Resolution: 224}}
	setKnown(s.t, k)
	return k
}

// notes collects messages.
type notes []string

func (n *notes) options() Options { return Options{Note: func(text string) { *n = append(*n, text) }} }

func (n notes) contain(text string) bool { return strings.Contains(strings.Join(n, "\n"), text) }

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestKnownFile: a file is verified against the published digest or its beginning, by name or alias.
func TestKnownFile(t *testing.T) {
	for _, c := range []struct {
		name, input, verified string
		digest                func(b []byte) string
		want                  string // part of the error
	}{
		{"whole digest", "torchvision/net", fromPublisher, sum, ""},
		{"beginning", "torchvision/alias", "the first 8 digits of the published SHA-256", func(b []byte) string { return sum(b)[:8] }, ""},
		{"case", "TorchVision/Net", fromPublisher, sum, ""},
		{"wrong", "torchvision/net", "", func([]byte) string { return "00000000" }, "wrong digest"},
		{"none", "torchvision/net", fromNobody, func([]byte) string { return "" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.plain(c.digest(s.model()))
			var n notes
			file, origin, err := resolve(t.Context(), c.input, n.options(), quick)
			s.check(err)
			if c.want != "" {
				if !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v", err)
				}
				if left, _ := filepath.Glob(filepath.Join(cacheRoot(), "torchvision", "*")); left != nil {
					t.Errorf("left: %q", left)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			side, err := weights.ReadSidecar(file)
			if err != nil || side.Verified != c.verified || side.Check(file) != nil || origin != side.Origin || origin.License != "bsd-3-clause" || side.Preprocess == nil {
				t.Errorf("sidecar %+v, %v; origin %+v", side, err, origin)
			}
			if n.contain("nothing verifies it") != (c.verified == fromNobody) {
				t.Errorf("notes %q", n)
			}
		})
	}
}

// TestFirstDownload: where nothing is published, later downloads must equal the first.
func TestFirstDownload(t *testing.T) {
	s := newSite(t)
	s.plain("")
	file, _, err := resolve(t.Context(), "torchvision/net", Options{}, quick)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := resolve(t.Context(), "torchvision/net", Options{}, quick); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s.files["model.safetensors"] = payload(200_000)
	_, _, err = resolve(t.Context(), "torchvision/net", Options{}, quick)
	if !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), fromFirst) {
		t.Fatalf("another file: %v", err)
	}
	advised := regexp.MustCompile(`delete (\S+) and try again`).FindStringSubmatch(err.Error())
	if advised == nil || os.Remove(advised[1]) != nil {
		t.Fatalf("no advice that can be followed: %v", err)
	}
	if _, _, err := resolve(t.Context(), "torchvision/net", Options{}, quick); err != nil {
		t.Errorf("after the advice: %v", err)
	}
}

// TestCacheNeedsNoNetwork: the second use sends no request, and damage is repaired.
func TestCacheNeedsNoNetwork(t *testing.T) {
	for _, c := range []struct{ name, input string }{{"repository", "org/net"}, {"commit", "org/net@" + commit}, {"file", "torchvision/net"}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.plain(sum(s.model()))
			if c.name == "commit" {
				s.api = func(w http.ResponseWriter, r *http.Request) bool {
					ok := strings.HasSuffix(r.URL.Path, "/revision/"+commit)
					if ok {
						s.serveInfo(w)
					}
					return ok
				}
			}
			first, origin, err := resolve(t.Context(), c.input, Options{}, quick)
			if err != nil {
				t.Fatal(err)
			}
			asked := len(s.asked)
			again, originAgain, err := resolve(t.Context(), c.input, Options{}, quick)
			if err != nil || again != first || originAgain != origin || len(s.asked) != asked {
				t.Errorf("%s, %+v, %v, %d requests", again, originAgain, err, len(s.asked)-asked)
			}
			write(t, first, []byte("damaged"))
			var n notes
			again, _, err = resolve(t.Context(), c.input, n.options(), quick)
			if got, _ := os.ReadFile(again); err != nil || !bytes.Equal(got, s.model()) || !n.contain("is damaged") {
				t.Errorf("damaged: %d bytes, %v, notes %q", len(got), err, n)
			}
		})
	}
}

// TestUpdate: a branch means the commit that it meant first, until the user asks for the present one.
func TestUpdate(t *testing.T) {
	s := newSite(t)
	old, _, err := resolve(t.Context(), "org/net", Options{}, quick)
	if err != nil {
		t.Fatal(err)
	}
	s.commit, s.files["model.safetensors"] = commit2, payload(150_000)
	if same, _, err := resolve(t.Context(), "org/net", Options{}, quick); err != nil || same != old {
		t.Errorf("without Update: %s, %v", same, err)
	}
	updated, origin, err := resolve(t.Context(), "org/net", Options{Update: true}, quick)
	if err != nil || updated == old || origin.Revision != commit2 {
		t.Errorf("with Update: %s, %+v, %v", updated, origin, err)
	}
	if latest, _, err := resolve(t.Context(), "org/net", Options{}, quick); err != nil || latest != updated {
		t.Errorf("afterwards: %s, %v", latest, err)
	}
	s.hub.Close()
	if _, _, err := resolve(t.Context(), "org/net", Options{Update: true}, quick); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Update without a network: %v", err)
	}
	if latest, _, err := resolve(t.Context(), "org/net", Options{}, quick); err != nil || latest != updated {
		t.Errorf("without a network: %s, %v", latest, err)
	}
}

// TestInterrupted: what a canceled download has received is not requested again by the next one.
func TestInterrupted(t *testing.T) {
	s := newSite(t)
	delete(s.files, "config.json")
	ctx, cancel := context.WithCancel(t.Context())
	s.content = func(w http.ResponseWriter, r *http.Request) bool {
		if s.parts == 1 {
			s.stall(w, s.model(), 100_000)
		}
		return false
	}
	_, _, err := resolve(ctx, "org/net", Options{Progress: func(done, total int64) {
		if done == 100_000 && total == 300_000 {
			cancel()
		}
	}}, quick)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	file, origin, err := resolve(t.Context(), "org/net", Options{}, quick)
	s.checkFile(file, origin, err, "model.safetensors")
	if last := s.asked[len(s.asked)-1]; last != "cdn /model.safetensors bytes=100000-" {
		t.Errorf("asked for %q", last)
	}
}

// TestUnwritableCache: the message says what to set.
func TestUnwritableCache(t *testing.T) {
	newSite(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	t.Setenv("XDG_CACHE_HOME", file)
	if _, _, err := resolve(t.Context(), "org/net", Options{}, quick); err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME to a folder that can be written to") {
		t.Errorf("error %v", err)
	}
}

// TestCached lists weights with their origin, and leaves out what is not weights.
func TestCached(t *testing.T) {
	s := newSite(t)
	if list, err := Cached(""); err != nil || len(list) != 0 {
		t.Errorf("empty: %+v, %v", list, err)
	}
	file, _, err := resolve(t.Context(), "org/net", Options{}, quick)
	if err != nil {
		t.Fatal(err)
	}
	placed := filepath.Join(cacheRoot(), "huggingface", "org", "z", "main", "model.safetensors")
	write(t, placed, []byte("w"))
	list, err := Cached("")
	if err != nil || len(list) != 2 || list[0].Path != file || list[0].Sidecar.Origin.Revision != s.commit || list[1].Path != placed || list[1].Sidecar != nil {
		t.Errorf("%+v, %v", list, err)
	}
}

// FuzzPart: whatever an earlier process left as a partial download, the result is the server's file.
func FuzzPart(f *testing.F) {
	content := payload(3000)
	f.Add(content[:1000], []byte(fmt.Sprintf(`{"etag":"\"0-3000\"","linked":%q,"size":3000}`, sum(content))))
	f.Add([]byte("x"), []byte("{}"))
	f.Add(append(content, 1), []byte(fmt.Sprintf(`{"etag":"","linked":%q,"size":-1}`, sum(content))))
	f.Fuzz(func(t *testing.T, part, state []byte) {
		s := newSite(t)
		s.files = map[string][]byte{"model.safetensors": content}
		path := filepath.Join(s.folder(), "model.safetensors")
		write(t, partPath(path), part)
		write(t, partStatePath(path), state)
		file, origin, err := resolve(t.Context(), "org/net", Options{}, quick)
		s.checkFile(file, origin, err, "model.safetensors")
	})
}
