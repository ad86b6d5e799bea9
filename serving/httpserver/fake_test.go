package httpserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fake is a model whose images are texts: "cat" is class 0, "dog" class 1. Other texts select what goes wrong.
type fake struct {
	version string
	onBatch func(int)
	gate    chan bool    // if not nil, each image waits for a value
	begun   atomic.Int64 // images that wait at the gate, or did
	images  atomic.Int64
	closed  atomic.Bool
	late    atomic.Int64 // images after Close
}

func (f *fake) Describe() Description {
	return Description{Network: "fake", Version: f.version, Classes: []string{"cat", "dog", "bird"}, Height: 32, Width: 48, Features: 2}
}

func (f *fake) compute(ctx context.Context, image []byte) error {
	if f.closed.Load() {
		f.late.Add(1)
	}
	f.begun.Add(1)
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch text := string(image); {
	case text == "large":
		return fmt.Errorf("image: 6000x5000 pixels: %w", ErrTooLarge)
	case text == "full":
		return fmt.Errorf("fake: %w", ErrOverloaded)
	case text == "defect":
		return errors.New("secret path /srv/weights")
	case text == "panic":
		panic("broken")
	case text == "wait":
		<-ctx.Done()
		return ctx.Err()
	case !strings.HasPrefix(text, "cat") && !strings.HasPrefix(text, "dog") && text != "nan":
		return fmt.Errorf("image: not an image: %w", ErrImage)
	}
	f.images.Add(1)
	f.onBatch(1)
	return nil
}

func (f *fake) Classify(ctx context.Context, image []byte, top int) ([]Prediction, error) {
	if err := f.compute(ctx, image); err != nil {
		return nil, err
	}
	list := []Prediction{{"cat", 0, 0.75}, {"dog", 1, 0.25}, {"bird", 2, 0}}
	switch {
	case strings.HasPrefix(string(image), "dog"):
		list[0], list[1] = Prediction{"dog", 1, 0.75}, Prediction{"cat", 0, 0.25}
	case string(image) == "nan":
		list[0].Probability = math.NaN()
	}
	return list[:min(top, len(list))], nil
}

func (f *fake) Embed(ctx context.Context, image []byte) ([]float32, error) {
	if err := f.compute(ctx, image); err != nil {
		return nil, err
	}
	return []float32{0.5, -1}, nil
}

func (f *fake) Stats() Stats { return Stats{Images: f.images.Load(), Batches: f.images.Load()} }

func (f *fake) Close() error {
	f.closed.Store(true)
	return nil
}

// sourceOf is a source of the models that open returns.
func sourceOf(name string, open func() (*fake, error)) Source {
	return Source{Name: name, Open: func(onBatch func(int)) (Model, error) {
		m, err := open()
		if err != nil {
			return nil, err
		}
		m.onBatch = onBatch
		return m, nil
	}}
}

// fixed is a source of one model.
func fixed(name string, f *fake) Source {
	return sourceOf(name, func() (*fake, error) { return f, nil })
}

// buffer is a log that goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newServer returns a server with a log, which the test closes.
func newServer(t testing.TB, c Config) (*Server, *buffer) {
	t.Helper()
	log := new(buffer)
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, log
}

// two is a configuration of two models.
func two() Config {
	return Config{Models: []Source{fixed("pets", &fake{version: "1"}), fixed("more", &fake{version: "2"})}, MaxBody: 1000, MaxImages: 3, Timeout: time.Minute}
}

// call sends a request to a handler.
func call(s http.Handler, method, target, contentType string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
