package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commit    = "0123456789abcdef0123456789abcdef01234567"
	commit2   = "fedcba9876543210fedcba9876543210fedcba98"
	secret    = "hf_SECRETtoken"
	signature = "Signature=SIGNATURE"
)

// quick are limits for tests, without pauses. Their times are not reached by a server that answers.
var quick = limits{connect: time.Minute, header: time.Minute, idle: time.Minute, rate: 1, window: time.Hour,
	pause: time.Millisecond, longestPause: time.Second, attempts: 3}

// hasty are limits for tests of a server that hangs, which it does until the test ends.
func hasty() limits {
	l := quick
	l.header, l.idle = 300*time.Millisecond, 300*time.Millisecond
	return l
}

// site imitates Hugging Face: an API, files behind a redirect to a signed address of another host, and that host.
type site struct {
	t        *testing.T
	hub, cdn *httptest.Server
	prefix   string            // of the path of every address
	commit   string            // of main
	files    map[string][]byte // of every commit
	card     string            // JSON
	needs    string            // token; "": none
	status   int               // of the API and of the files, if not 0
	code     string            // X-Error-Code with it
	digest   string            // X-Linked-ETag in place of the right one
	hang     chan struct{}     // closed at the end of the test

	// api and content replace an answer; they report whether they did.
	api, content func(w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex
	asked   []string // HOST PATH RANGE
	leaked  []string // requests to the other host with a token
	parts   int      // requests for content
	version int      // of the content
}

// newSite starts the servers and lets HF_ENDPOINT name them. No other variable of the user reaches a test.
func newSite(t *testing.T) *site {
	s := &site{t: t, commit: commit, card: `{"license":"apache-2.0"}`, hang: make(chan struct{}),
		files: map[string][]byte{"README.md": []byte("x"), "config.json": []byte(`{"a":1}`), "model.safetensors": payload(300_000)}}
	s.hub, s.cdn = httptest.NewServer(http.HandlerFunc(s.serveHub)), httptest.NewServer(http.HandlerFunc(s.serveContent))
	t.Cleanup(func() { close(s.hang); s.hub.Close(); s.cdn.Close() })
	isolate(t)
	t.Setenv("HF_ENDPOINT", s.hub.URL)
	return s
}

// isolate gives a test its own folders and removes the variables that this package reads.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
		"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "TORCH_HOME", "KERAS_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

// payload is content without a pattern that a lost part could hide in.
func payload(n int) []byte {
	b := make([]byte, 0, n+32)
	for i := 0; len(b) < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i))
		b = append(b, sum[:]...)
	}
	return b[:n]
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func (s *site) log(r *http.Request, host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimSpace(host+" "+r.URL.Path+" "+r.Header.Get("Range")))
	if host == "cdn" && r.Header.Get("Authorization") != "" {
		s.leaked = append(s.leaked, r.URL.Path)
	}
}

func (s *site) serveHub(w http.ResponseWriter, r *http.Request) {
	s.log(r, "hub")
	path, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	switch {
	case !ok:
		http.Error(w, "outside the prefix", http.StatusTeapot)
	case s.needs != "" && r.Header.Get("Authorization") != "Bearer "+s.needs:
		http.Error(w, "Invalid username or password.", http.StatusUnauthorized)
	case s.status != 0:
		w.Header().Set("X-Error-Code", s.code)
		http.Error(w, s.code, s.status)
	case s.api != nil && s.api(w, r):
	case path == "/api/models/org/net/revision/main":
		s.serveInfo(w)
	case strings.HasPrefix(path, "/api/"):
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "Repository not found", http.StatusUnauthorized) // as the real one does
	default:
		s.serveFile(w, r, strings.TrimPrefix(path, "/org/net/resolve/"+s.commit+"/"))
	}
}

func (s *site) serveInfo(w http.ResponseWriter) {
	type sibling struct {
		Name string `json:"rfilename"`
	}
	info := map[string]any{"id": "org/net", "sha": s.commit, "cardData": json.RawMessage(s.card)}
	var siblings []sibling
	for name := range s.files {
		siblings = append(siblings, sibling{name})
	}
	info["siblings"] = siblings
	json.NewEncoder(w).Encode(info)
}

// serveFile sends a small file itself and redirects to the other host for a large one.
func (s *site) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	content, ok := s.files[name]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "Entry not found", http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", s.commit)
	if len(content) < 1000 {
		w.Header().Set("ETag", `"`+gitDigest(content)+`"`)
		w.Header().Set("X-Linked-Etag", `"`+gitDigest(content)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return
	}
	digest := s.digest
	if digest == "" {
		digest = sum(content)
	}
	w.Header().Set("X-Linked-Etag", `"`+digest+`"`)
	w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
	http.Redirect(w, r, s.cdn.URL+"/"+name+"?"+signature, http.StatusFound)
}

func gitDigest(b []byte) string {
	return fmt.Sprintf("%x", sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...)))
}

func (s *site) serveContent(w http.ResponseWriter, r *http.Request) {
	s.log(r, "cdn")
	s.mu.Lock()
	s.parts++
	s.mu.Unlock()
	content := s.files[strings.TrimPrefix(r.URL.Path, "/")]
	w.Header().Set("ETag", fmt.Sprintf(`"%d-%d"`, s.version, len(content)))
	w.Header().Set("Content-Type", "application/octet-stream")
	if s.content == nil || !s.content(w, r) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// cut sends the first n bytes of an answer and ends the connection.
func cut(w http.ResponseWriter, content []byte, from, n int) {
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(content[from : from+n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// stall sends the first n bytes and then nothing more until the test ends.
func (s *site) stall(w http.ResponseWriter, content []byte, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Write(content[:n])
	w.(http.Flusher).Flush()
	<-s.hang
	panic(http.ErrAbortHandler)
}

// setKnown replaces the table for a test.
func setKnown(t *testing.T, rows ...Known) {
	t.Helper()
	previous := known
	known = rows
	t.Cleanup(func() { known = previous })
}
