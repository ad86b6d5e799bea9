package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// post sends an image to a server and returns the version that computed it.
func post(client *http.Client, url string) (version string, err error) {
	answer, err := client.Post(url+"/v1/classify", "image/png", strings.NewReader("cat"))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var r response
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil || answer.StatusCode != 200 {
		return "", fmt.Errorf("status %d, %w", answer.StatusCode, err)
	}
	return r.Version, nil
}

// versions is a source whose models are numbered.
type versions struct {
	mu   sync.Mutex
	made []*fake
	next error // of the next Open
}

func (v *versions) open() (*fake, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.next != nil {
		return nil, v.next
	}
	f := &fake{version: fmt.Sprint(len(v.made) + 1)}
	v.made = append(v.made, f)
	return f, nil
}

// TestReloadUnderLoad: while clients send requests the model is reloaded 50 times: every request is answered, no model
// computes after it was closed, and every model but the last one is closed.
func TestReloadUnderLoad(t *testing.T) {
	v := new(versions)
	s, _ := newServer(t, Config{Models: []Source{sourceOf("pets", v.open)}})
	address, stop := listen(t, s)
	var wait sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	for range 4 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if _, err := post(http.DefaultClient, address); err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for i := range 50 {
		waitUntil(t, "answers", func() bool { return answered.Load() > int64(4*i) || t.Failed() })
		if err := s.Reload(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wait.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(v.made) != 51 {
		t.Errorf("%d models", len(v.made))
	}
	images := int64(0)
	for _, f := range v.made {
		images += f.images.Load()
		if !f.closed.Load() || f.late.Load() > 0 {
			t.Errorf("model %s: closed %v, %d images after that", f.version, f.closed.Load(), f.late.Load())
		}
	}
	if _, stats, reloads, _ := s.models[0].snapshot(); stats.Images != images || images != answered.Load() || reloads != 50 {
		t.Errorf("stats %+v of %d images and %d answers, %d reloads", stats, images, answered.Load(), reloads)
	}
}

// listen serves on a free port. stop ends the server as SIGTERM does.
func listen(t *testing.T, s *Server) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	return "http://" + l.Addr().String(), func() error { cancel(); return <-ended }
}

// slowListener notices its end some time after it was closed, as on a busy machine.
type slowListener struct{ net.Listener }

func (l slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		time.Sleep(50 * time.Millisecond)
	}
	return c, err
}

// TestServeEndsWithoutError: also where the goroutine that accepts connections has not noticed yet that the listener was closed.
func TestServeEndsWithoutError(t *testing.T) {
	s, _ := newServer(t, Config{Models: []Source{sourceOf("pets", new(versions).open)}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx, slowListener{l}); err != nil {
		t.Error(err)
	}
}

// TestReloadOfBrokenWeights: the model before stays, with an error in the log; the next weights are loaded.
func TestReloadOfBrokenWeights(t *testing.T) {
	v := new(versions)
	s, log := newServer(t, Config{Models: []Source{sourceOf("pets", v.open)}})
	v.next = errors.New("w.safetensors: the file is truncated")
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("error %v", err)
	}
	if w := call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat")); w.Code != 200 || !strings.Contains(w.Body.String(), `"version":"1"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "truncated") {
		t.Errorf("the log has no error: %s", log)
	}
	v.next = nil
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
	if w := call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat")); !strings.Contains(w.Body.String(), `"version":"2"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if metrics := call(s, "GET", "/metrics", "", nil).Body.String(); !strings.Contains(metrics, `depthwise_model_reloads_total{model="pets"} 1`) ||
		!strings.Contains(metrics, `depthwise_model_reload_failures_total{model="pets"} 1`) || !strings.Contains(metrics, `depthwise_computed_images_total{model="pets"} 2`) {
		t.Errorf("metrics: %s", metrics)
	}
}

// TestReloadWaitsForRequests: a request that has begun ends with its model, which is closed after it.
func TestReloadWaitsForRequests(t *testing.T) {
	first := &fake{version: "1", gate: make(chan bool)}
	next := first
	s, _ := newServer(t, Config{Models: []Source{sourceOf("pets", func() (*fake, error) { return next, nil })}})
	answers := make(chan string, 1)
	go func() {
		answers <- call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat")).Body.String()
	}()
	waitUntil(t, "image", func() bool { return first.begun.Load() == 1 })
	next = &fake{version: "2"}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if w := call(s, "POST", "/v1/classify", "image/png", strings.NewReader("cat")); !strings.Contains(w.Body.String(), `"version":"2"`) {
		t.Errorf("the new model: %s", w.Body)
	}
	if first.closed.Load() {
		t.Error("the model before was closed with a request in it")
	}
	first.gate <- true
	if text := <-answers; !strings.Contains(text, `"version":"1"`) {
		t.Errorf("the request that had begun: %s", text)
	}
	waitUntil(t, "Close", first.closed.Load)
}

// TestWatch: a model is opened again when its state has changed and stayed for a look; once for each state, also if it cannot
// be opened; a state that cannot be read changes nothing.
func TestWatch(t *testing.T) {
	v := new(versions)
	state, stateErr := "a", error(nil)
	source := sourceOf("pets", v.open)
	source.State = func() (string, error) { return state, stateErr }
	s, log := newServer(t, Config{Models: []Source{source}})
	m := s.models[0]
	last, problem := "", ""
	look := func(want int) {
		t.Helper()
		if last, problem = m.check(last, problem); len(v.made) != want {
			t.Errorf("state %s: opened %d times, want %d", state, len(v.made), want)
		}
	}
	look(1)
	look(1)
	state = "b" // a file that grows
	look(1)
	state = "c"
	look(1)
	look(2)
	look(2)
	v.next, state = errors.New("damaged"), "d"
	look(2)
	look(2)
	look(2)
	if n := strings.Count(log.String(), "damaged"); n != 1 {
		t.Errorf("%d errors in the log, want 1: %s", n, log)
	}
	v.next, stateErr = nil, errors.New("no such file")
	look(2)
	look(2)
	if n := strings.Count(log.String(), "no such file"); n != 1 {
		t.Errorf("%d errors in the log, want 1: %s", n, log)
	}
	stateErr, state = nil, "e"
	look(2)
	look(3)
}

// TestReloadAfterClose: a signal or a look at the weights that comes late opens no model, which nobody would close.
func TestReloadAfterClose(t *testing.T) {
	v := new(versions)
	source := sourceOf("pets", v.open)
	state := "a"
	source.State = func() (string, error) { return state, nil }
	s, _ := newServer(t, Config{Models: []Source{source}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "the server is closed") {
		t.Errorf("error %v", err)
	}
	state = "b"
	s.models[0].check("b", "")
	if len(v.made) != 1 {
		t.Errorf("opened %d times, want 1", len(v.made))
	}
}

// TestStopUnderLoad: when the server is told to end while clients send requests, on kept and on new connections, each request
// that reached it is answered. /readyz fails meanwhile.
func TestStopUnderLoad(t *testing.T) {
	f := &fake{version: "1"}
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", f)}, DrainDelay: 200 * time.Millisecond})
	address, stop := listen(t, s)
	var wait sync.WaitGroup
	var answered atomic.Int64
	for i := range 6 {
		wait.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
			for {
				_, err := post(client, address)
				if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
					return // the server did not accept the connection; its images are counted below
				}
				if err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	waitUntil(t, "answers", func() bool { return answered.Load() > 100 || t.Failed() })
	ready := make(chan int, 1)
	go func() {
		waitUntil(t, "draining", s.draining.Load)
		answer, err := http.Get(address + "/readyz")
		if err != nil {
			t.Error(err)
			ready <- 0
			return
		}
		answer.Body.Close()
		ready <- answer.StatusCode
	}()
	if err := stop(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if code := <-ready; code != 503 {
		t.Errorf("/readyz: status %d", code)
	}
	if f.images.Load() != answered.Load() || !f.closed.Load() || f.late.Load() != 0 {
		t.Errorf("%d images, %d answers; closed %v", f.images.Load(), answered.Load(), f.closed.Load())
	}
}

// TestStopTimeout: a request that does not end in time is given up, with an error.
func TestStopTimeout(t *testing.T) {
	f := &fake{version: "1", gate: make(chan bool)}
	s, _ := newServer(t, Config{Models: []Source{fixed("pets", f)}, DrainTimeout: 50 * time.Millisecond})
	address, stop := listen(t, s)
	ended := make(chan error, 1)
	go func() { _, err := post(http.DefaultClient, address); ended <- err }()
	waitUntil(t, "image", func() bool { return f.begun.Load() == 1 })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "1 requests were not answered") {
		t.Errorf("error %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the client got an answer")
	}
}
