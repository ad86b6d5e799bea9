package hub

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/weights"
)

// TestRepository: what a user gets from a hub that behaves in various ways.
func TestRepository(t *testing.T) {
	for _, c := range []struct {
		name  string
		input string // "org/net" unless given
		set   func(*site)
		want  string // part of the error; "": success
		class error
		file  string // model.safetensors unless given
	}{
		{name: "plain"},
		{name: "timm's prefix", input: "hf-hub:org/net"},
		{name: "address of the page", input: "https://huggingface.co/org/net/"},
		{name: "address of a file", input: "https://huggingface.co/org/net/blob/main/model.safetensors?download=true"},
		{name: "endpoint with a path", set: func(s *site) { s.prefix = "/mirror/hf"; s.t.Setenv("HF_ENDPOINT", s.hub.URL+"/mirror/hf/") }},
		{name: "token", set: func(s *site) { s.needs = secret; s.t.Setenv("HF_TOKEN", secret+"\n") }},
		{name: "stored token", set: func(s *site) { s.needs = secret; s.storeToken(secret) }},
		{name: "pickle", set: func(s *site) { s.rename("model.safetensors", "pytorch_model.bin") }, file: "pytorch_model.bin"},
		{name: "safetensors before pickle", set: func(s *site) { s.files["pytorch_model.bin"] = payload(2000) }},
		{name: "only file of weights", set: func(s *site) { s.rename("model.safetensors", "net.h5") }, file: "net.h5"},
		{name: "named file", input: "hf-hub:org/net/sub/other.pth", set: func(s *site) { s.files["sub/other.pth"] = payload(5000) }, file: "sub/other.pth"},
		{name: "without token", set: func(s *site) { s.needs = secret }, want: "set HF_TOKEN", class: ErrDenied},
		{name: "wrong token", set: func(s *site) { s.needs = secret; s.t.Setenv("HF_TOKEN", "hf_other") }, want: "the token of HF_TOKEN has no access to it or has expired", class: ErrDenied},
		{name: "token with a space", set: func(s *site) { s.t.Setenv("HF_TOKEN", secret+" "+secret) }, want: "the token of HF_TOKEN contains a character that no token has"},
		{name: "gated", set: func(s *site) { s.status, s.code = 403, "GatedRepo" }, want: "terms must be accepted at ", class: ErrDenied},
		{name: "no such repository", input: "org/none", want: "org/none: no file or folder of this name is here, and as a repository: ", class: ErrNotFound},
		{name: "no such revision", set: func(s *site) { s.status, s.code = 404, "RevisionNotFound" }, want: "no such revision", class: ErrNotFound},
		{name: "no such file", input: "hf-hub:org/net/model.safetensor", want: "did you mean model.safetensors?", class: ErrNotFound},
		{name: "no weights", set: func(s *site) { delete(s.files, "model.safetensors") }, want: "it has no weights", class: ErrNotFound},
		{name: "several files of weights", set: func(s *site) {
			s.rename("model.safetensors", "a.safetensors")
			s.files["b.safetensors"] = payload(5000)
		}, want: "name one, as hf-hub:ORG/NAME/"},
		{name: "split weights", set: func(s *site) { s.rename("model.safetensors", "model.safetensors.index.json") }, want: "in several files"},
		{name: "name that leaves the folder", set: func(s *site) { s.files["../../evil"] = payload(10) }, want: `invalid name: "../../evil"`},
		{name: "too many requests", set: func(s *site) { s.status = 429 }, want: "too many requests"},
		{name: "server error", set: func(s *site) { s.status = 503 }, want: "503 Service Unavailable; try again later"},
		{name: "wrong digest", set: func(s *site) { s.digest = strings.Repeat("0", 64) }, want: "wrong digest", class: ErrDigest},
		{name: "login page instead of the API", set: func(s *site) { s.api = page }, want: "a web page in place of the file"},
		{name: "login page instead of the file", set: func(s *site) { s.content = page }, want: "a web page in place of the file"},
		{name: "not a hub", set: func(s *site) { s.api = text("{}") }, want: "does HF_ENDPOINT name a hub?"},
		{name: "not JSON", set: func(s *site) { s.api = text("hello") }, want: "does HF_ENDPOINT name a hub?"},
		{name: "endpoint without a scheme", set: func(s *site) { s.t.Setenv("HF_ENDPOINT", "hf-mirror.com") }, want: "set it to one such as https://huggingface.co"},
		{name: "offline by setting", set: func(s *site) { s.t.Setenv("HF_HUB_OFFLINE", "1") }, want: "HF_HUB_OFFLINE is set. Without a network: download model.safetensors", class: ErrUnreachable},
		{name: "storage out of reach", set: func(s *site) { s.cdn.Close() }, want: "connection refused. Without a network", class: ErrUnreachable},
		{name: "endpoint with a password", input: "org/none", set: func(s *site) {
			s.t.Setenv("HF_ENDPOINT", strings.Replace(s.hub.URL, "://", "://me:"+secret+"@", 1))
		}, want: "://me:xxxxx@", class: ErrNotFound},
		{name: "endpoint with a password, out of reach", set: func(s *site) {
			s.t.Setenv("HF_ENDPOINT", strings.Replace(s.hub.URL, "://", "://me:"+secret+"@", 1))
			s.hub.Close()
		}, want: "no connection", class: ErrUnreachable},
		{name: "no answer", set: func(s *site) { s.api = func(http.ResponseWriter, *http.Request) bool { <-s.hang; return true } }, want: "no connection", class: ErrUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			if c.set != nil {
				c.set(s)
			}
			l := quick
			if c.name == "no answer" {
				l = hasty()
			}
			file, origin, err := resolve(t.Context(), first(c.input, "org/net"), Options{}, l)
			s.check(err)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || c.class != nil && !errors.Is(err, c.class) {
					t.Errorf("error %v, want %q of class %v", err, c.want, c.class)
				}
				return
			}
			name := first(c.file, "model.safetensors")
			s.checkFile(file, origin, err, name)
			if got, _ := os.ReadFile(filepath.Join(s.folder(), "config.json")); !bytes.Equal(got, s.files["config.json"]) {
				t.Errorf("config.json holds %q", got)
			}
		})
	}
}

// TestTransfer: interrupted and changed downloads end with the right bytes, and ask for no more of them than necessary.
func TestTransfer(t *testing.T) {
	const n = 300_000
	for _, c := range []struct {
		name    string
		content func(s *site, part int, w http.ResponseWriter, r *http.Request) bool
		want    string // part of the error; "": success
		parts   int    // requests for the content
		last    string // Range of the last one
	}{
		{"truncated", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				cut(w, s.model(), 0, 100_000)
			}
			return false
		}, "", 2, "bytes=100000-"},
		{"truncated again and again", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part <= 5 { // more than the attempts without progress
				cut(w, s.model(), 50_000*(part-1), 50_000)
			}
			return false
		}, "", 6, "bytes=250000-"},
		{"truncated at once, always", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			cut(w, s.model(), 0, 0)
			return true
		}, "no connection after 0 of 300000 bytes", 3, ""},
		{"a few bytes in each answer", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			cut(w, s.model(), 10*(part-1), 10)
			return true
		}, "no connection after 30 of 300000 bytes", 3, "bytes=20-"},
		{"server without ranges", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				cut(w, s.model(), 0, 100_000)
			}
			w.Header().Set("Content-Length", fmt.Sprint(n))
			w.Write(s.model())
			return true
		}, "", 2, "bytes=100000-"},
		{"replaced between the parts, with another ETag", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				s.version++
				cut(w, append([]byte("old"), payload(n-3)...), 0, 100_000)
			}
			return false
		}, "", 2, "bytes=100000-"},
		{"replaced between the parts, with the same ETag", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				s.files["model.safetensors"] = append([]byte("old"), payload(n-3)...)
				cut(w, payload(n), 0, 100_000)
			}
			return false
		}, "", 3, ""},
		{"other bytes under the same ETag", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				cut(w, make([]byte, n), 0, 100_000)
			}
			return false
		}, "", 3, ""},
		{"stalls", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				s.stall(w, s.model(), 100_000)
			}
			return false
		}, "", 2, "bytes=100000-"},
		{"stalls always", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			s.stall(w, s.model(), 0)
			return true
		}, "the server sends nothing for 300ms", 3, ""},
		{"temporary error", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				http.Error(w, "busy", http.StatusServiceUnavailable)
			}
			return part == 1
		}, "", 2, ""},
		{"expired signature", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, "expired", http.StatusForbidden)
			return true
		}, "403 Forbidden", 1, ""},
		{"part of another file", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				cut(w, s.model(), 0, 100_000)
			}
			if part == 2 {
				w.Header().Set("ETag", `"other"`)
				cut(w, s.model(), 100_000, 10)
			}
			return false
		}, "", 3, ""},
		{"range beyond the end", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			if part == 1 {
				cut(w, s.model(), 0, 100_000)
			}
			if part == 2 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return part == 2
		}, "", 3, ""},
		{"shorter than its description", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			w.Write(s.model()[:1000])
			return true
		}, "sends 1000 bytes of a file of 300000", 3, ""},
		{"invalid range", func(s *site, part int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Range", "bytes x")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}, "invalid Content-Range", 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			delete(s.files, "config.json")
			s.content = func(w http.ResponseWriter, r *http.Request) bool {
				return c.content(s, s.parts, w, r)
			}
			l := quick
			if strings.HasPrefix(c.name, "stalls") {
				l.idle = hasty().idle
			}
			file, origin, err := resolve(t.Context(), "org/net", Options{}, l)
			s.check(err)
			if c.want == "" {
				s.checkFile(file, origin, err, "model.safetensors")
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			last := ""
			if f := strings.Fields(s.asked[len(s.asked)-1]); len(f) == 3 {
				last = f[2]
			}
			if s.parts != c.parts || last != c.last {
				t.Errorf("%d requests for content, the last for %q; want %d, %q", s.parts, last, c.parts, c.last)
			}
		})
	}
}

func (s *site) model() []byte { return s.files["model.safetensors"] }

func (s *site) rename(from, to string) {
	s.files[to] = s.files[from]
	delete(s.files, from)
}

func (s *site) storeToken(token string) {
	folder := s.t.TempDir()
	s.t.Setenv("HF_HOME", folder)
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// folder is that of the commit in the cache.
func (s *site) folder() string {
	return filepath.Join(cacheRoot(), "huggingface", "org", "net", s.commit)
}

func cacheRoot() string { return filepath.Join(os.Getenv("XDG_CACHE_HOME"), "depthwise", "hub") }

// check: the token went to no other host, and no message contains it or a signature.
func (s *site) check(err error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.leaked) > 0 {
		s.t.Errorf("the token was sent to another host: %q", s.leaked)
	}
	if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "SIGNATURE")) {
		s.t.Errorf("the message contains a secret: %v", err)
	}
}

// checkFile: the file is that of the server, in its place, with its origin beside it and nothing else.
func (s *site) checkFile(file string, origin weights.Origin, err error, name string) {
	t := s.t
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(s.folder(), name); file != want {
		t.Errorf("file %s, want %s", file, want)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, s.files[name]) {
		t.Errorf("%d bytes are not those of the server: %v", len(got), err)
	}
	want := weights.Origin{Name: origin.Name, Address: os.Getenv("HF_ENDPOINT") + "/org/net/resolve/" + s.commit + "/" + name, Revision: s.commit,
		SHA256: sum(s.files[name]), License: "apache-2.0", LicenseURL: "https://huggingface.co/org/net"}
	want.Address = strings.Replace(want.Address, "hf//", "hf/", 1)
	if origin != want {
		t.Errorf("origin %+v\nwant   %+v", origin, want)
	}
	side, err := weights.ReadSidecar(file)
	if err != nil || side == nil || side.Origin != want || side.Verified != fromServer {
		t.Errorf("sidecar %+v, %v", side, err)
	}
	for _, left := range []string{partPath(file), partStatePath(file)} {
		if exists(left) {
			t.Errorf("%s is left", left)
		}
	}
}

func page(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", "application/octet-stream")
	fmt.Fprint(w, "<!DOCTYPE html><html><body>Log in to the network</body></html>")
	return true
}

func text(s string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, s)
		return true
	}
}
