package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	classifier "depthwise.dev/formats/gopackage/classifier"
)

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		name string
		top  int
		rest []string
		want string
	}{
		{"right", 1, nil, ""},
		{"no class", 0, nil, "-top 0: must be at least 1"},
		{"a negative number", -3, nil, "-top -3: must be at least 1"},
		{"an argument", 5, []string{"photo.jpg"}, `unexpected argument "photo.jpg"`},
	} {
		err := checkArguments(c.top, c.rest)
		if got := fmt.Sprint(err); err == nil && c.want != "" || err != nil && got != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestHandler(t *testing.T) {
	c, err := classifier.New()
	if err != nil {
		t.Fatal(err)
	}
	photo, err := os.ReadFile("../../testdata/input.png")
	if err != nil {
		t.Fatal(err)
	}
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewPaletted(image.Rect(0, 0, 6000, 5000), color.Palette{color.Black})); err != nil {
		t.Fatal(err)
	}
	handler := newHandler(c, 2)
	for _, r := range []struct {
		name, method, path string
		body               []byte
		status, answers    int
	}{
		{"an image", "POST", "/", photo, http.StatusOK, 2},
		{"no image", "POST", "/", []byte("hello"), http.StatusBadRequest, 0},
		{"nothing", "POST", "/", nil, http.StatusBadRequest, 0},
		{"many bytes", "POST", "/", make([]byte, maxBody+1), http.StatusRequestEntityTooLarge, 0},
		{"many pixels", "POST", "/", large.Bytes(), http.StatusRequestEntityTooLarge, 0},
		{"another method", "GET", "/", nil, http.StatusMethodNotAllowed, 0},
		{"another path", "POST", "/x", photo, http.StatusNotFound, 0},
		{"health", "GET", "/healthz", nil, http.StatusOK, 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(r.method, r.path, bytes.NewReader(r.body)))
			if w.Code != r.status {
				t.Errorf("status %d, want %d: %s", w.Code, r.status, w.Body)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				return
			}
			var a answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || len(a.Predictions) != r.answers || (a.Error == "") != (r.status == http.StatusOK) {
				t.Errorf("answer %s, error %v", w.Body, err)
			}
		})
	}
}

// counted is a body that counts the first read of it, and then blocks.
type counted struct {
	read  chan<- bool
	block <-chan bool
	once  sync.Once
}

func (c *counted) Read([]byte) (int, error) {
	c.once.Do(func() { c.read <- true })
	<-c.block
	return 0, io.EOF
}

// TestBodiesAreBounded: while maxBodies requests are in memory no further body is read.
func TestBodiesAreBounded(t *testing.T) {
	c, err := classifier.New()
	if err != nil {
		t.Fatal(err)
	}
	handler := newHandler(c, 2)
	read, block, ended := make(chan bool, maxBodies+1), make(chan bool), make(chan int, maxBodies)
	for range maxBodies {
		go func() {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("POST", "/", &counted{read: read, block: block}))
			ended <- w.Code
		}()
	}
	for range maxBodies {
		<-read
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", "/", &counted{read: read, block: block}))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(read) > 0 {
		t.Errorf("status %d, %d further bodies were read", w.Code, len(read))
	}
	close(block)
	for range maxBodies {
		if code := <-ended; code != http.StatusBadRequest { // nothing is no image
			t.Errorf("status %d", code)
		}
	}
}

// TestNotANumber: JSON has no NaN, so an answer with one is an error and not an empty answer.
func TestNotANumber(t *testing.T) {
	w := httptest.NewRecorder()
	write(w, http.StatusOK, answer{Predictions: []prediction{{"cat", math.NaN()}}})
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusInternalServerError || a.Error == "" {
		t.Errorf("status %d, %s, %v", w.Code, w.Body, err)
	}
}
