package httpserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// waitUntil waits for what other goroutines do.
func waitUntil(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("no %s after 30 s", what)
		}
	}
}

// body is the body of a request that knows whether it was read.
type body struct {
	io.Reader
	reads *atomic.Int64
	read  bool
}

func (b *body) Read(p []byte) (int, error) {
	if !b.read {
		b.read = true
		b.reads.Add(1)
	}
	return b.Reader.Read(p)
}

// TestBodyMemory: while the bodies of large requests take their memory, no further one is read, whatever its type; requests
// that end meanwhile get no answer. Small requests are read.
func TestBodyMemory(t *testing.T) {
	f := &fake{version: "1", gate: make(chan bool)}
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", f)}, MaxBody: 1000, BodyMemory: 6000, Timeout: time.Hour})
	var reads atomic.Int64
	answers := make(chan int, 100)
	send := func(ctx context.Context, contentType, text string) {
		r := httptest.NewRequestWithContext(ctx, "POST", "/v1/classify", &body{Reader: strings.NewReader(text), reads: &reads})
		r.ContentLength = int64(len(text))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answers <- w.Code
	}
	image := "cat" + strings.Repeat(" ", 997)
	for range 3 {
		go send(t.Context(), "image/png", image)
	}
	waitUntil(t, "three images", func() bool { return f.begun.Load() == 3 })
	ctx, cancel := context.WithCancel(t.Context())
	for range 10 {
		go send(ctx, "image/png", image)
		go send(ctx, "application/json", `{"image": "Y2F0"}`+image[:900])
	}
	waitUntil(t, "waiting requests", func() bool { return waiters(&s.bodies.large) == 20 })
	if n := reads.Load(); n != 3 || s.bodies.inUse() != 3000 {
		t.Errorf("%d bodies were read, in %d bytes", n, s.bodies.inUse())
	}
	go send(t.Context(), "image/png", "cat")
	waitUntil(t, "a small image", func() bool { return f.begun.Load() == 4 })
	cancel()
	for range 20 {
		if code := <-answers; code != 503 { // canceled
			t.Errorf("status %d", code)
		}
	}
	go send(t.Context(), "image/png", image)
	for range 5 {
		f.gate <- true
	}
	for range 5 {
		if code := <-answers; code != 200 {
			t.Errorf("status %d", code)
		}
	}
	if used := s.bodies.inUse(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}

func waiters(b *budget) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// TestBudgetOrder: a large request is not overtaken by small ones forever.
func TestBudgetOrder(t *testing.T) {
	b := &budget{size: 10}
	first, err := b.acquire(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan int64, 2)
	for i, n := range []int64{100, 1} { // more than all is all
		go func() {
			release, err := b.acquire(t.Context(), n)
			if err != nil {
				t.Error(err)
				return
			}
			order <- b.inUse()
			release()
		}()
		waitUntil(t, "waiter", func() bool { return waiters(b) == i+1 })
	}
	first()
	if a, c := <-order, <-order; a != 10 || c != 1 {
		t.Errorf("%d before %d", a, c)
	}
	waitUntil(t, "release", func() bool { return b.inUse() == 0 })
}

// TestMaxRequests: a further request is refused at once.
func TestMaxRequests(t *testing.T) {
	f := &fake{version: "1", gate: make(chan bool)}
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", f)}, MaxRequests: 2})
	answers := make(chan int, 2)
	for range 2 {
		go func() { answers <- call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat")).Code }()
	}
	waitUntil(t, "two images", func() bool { return f.begun.Load() == 2 })
	w := call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat"))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if w := call(s, "GET", "/healthz", "", nil); w.Code != 200 {
		t.Errorf("a probe: status %d", w.Code)
	}
	close(f.gate)
	if a, b := <-answers, <-answers; a != 200 || b != 200 {
		t.Errorf("status %d and %d", a, b)
	}
}

// raw sends text over a connection and returns all that the server answers until it closes the connection.
func raw(t *testing.T, address string, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestSlowBody: a client that stops in the middle of its body gets status 408 when the time for a request is over, in each
// type of body, and holds no memory after that. Probes are answered meanwhile.
func TestSlowBody(t *testing.T) {
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", &fake{version: "1"})}, Timeout: 50 * time.Millisecond})
	server := httptest.NewServer(s)
	defer server.Close()
	for _, contentType := range []string{"image/png", "multipart/form-data; boundary=x", "application/json"} {
		for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			head := fmt.Sprintf("POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%s\r\n\r\n", contentType, length)
			got := raw(t, server.Listener.Addr().String(), head+"3\r\n--x\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "slow_request") || !strings.Contains(got, "Connection: close") {
				t.Errorf("%s, %s: %s", contentType, length, got)
			}
		}
	}
	if used := s.bodies.inUse(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}

// TestTimeout: a request that is not computed in its time gets status 503; the next one on the connection is answered.
func TestTimeout(t *testing.T) {
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", &fake{version: "1"})}, Timeout: 100 * time.Millisecond})
	server := httptest.NewServer(s)
	defer server.Close()
	for _, c := range []struct {
		text   string
		status int
	}{{"wait", 503}, {"cat", 200}} {
		answer, err := server.Client().Post(server.URL+"/v1/classify", "image/png", strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != c.status || c.status == 503 && !strings.Contains(string(text), `"timeout"`) {
			t.Errorf("%s: status %d: %s, error %v", c.text, answer.StatusCode, text, err)
		}
	}
}

// TestCanceled: the image of a client that has gone is not computed, and is counted as such.
func TestCanceled(t *testing.T) {
	f := &fake{version: "1", gate: make(chan bool)}
	s, log := newServer(t, Config{Models: []Source{fixed("pets", f)}, Timeout: time.Hour})
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1/classify", strings.NewReader("cat"))
		if err == nil {
			_, err = server.Client().Do(r)
		}
		ended <- err
	}()
	waitUntil(t, "image", func() bool { return f.begun.Load() == 1 })
	cancel()
	if err := <-ended; err == nil {
		t.Error("the client got an answer")
	}
	waitUntil(t, "line of the log", func() bool { return strings.Contains(log.String(), "status=499") })
	if f.images.Load() != 0 || !strings.Contains(log.String(), "code=canceled") {
		t.Errorf("%d images; %s", f.images.Load(), log)
	}
}

// TestCompressedBody: a body with a Content-Encoding is refused, since its size says nothing about that of its content.
func TestCompressedBody(t *testing.T) {
	s, _ := newServer(t, two())
	r := httptest.NewRequest("POST", "/v1/classify", strings.NewReader("cat"))
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// TestRefusedBody: a client that sends all before it reads gets the answer to a request that is refused early.
func TestRefusedBody(t *testing.T) {
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", &fake{version: "1"})}, MaxBody: 1 << 20, Timeout: time.Minute})
	server := httptest.NewServer(s)
	defer server.Close()
	large := strings.Repeat("x", 3<<19) // 1.5 MB: more than the server reads by itself, and the buffers of a connection
	for _, c := range []struct{ name, path, head, want string }{
		{"too large", "/v1/classify", "Content-Type: image/png", "413"},
		{"no model", "/v1/classify?model=x", "Content-Type: image/png", "404"},
		{"no path", "/v2/classify", "Content-Type: image/png", "404"},
		{"a text", "/v1/classify", "Content-Type: text/plain", "415"},
	} {
		got := raw(t, server.Listener.Addr().String(), fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n%s", c.path, c.head, len(large), large))
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.want+" ") {
			t.Errorf("%s: %.100s", c.name, got)
		}
	}
}
