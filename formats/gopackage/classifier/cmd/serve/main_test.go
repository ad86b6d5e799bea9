package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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

// TestNotANumber: JSON has no NaN, so an answer with one is an error and not an empty answer.
func TestNotANumber(t *testing.T) {
	w := httptest.NewRecorder()
	write(w, http.StatusOK, answer{Predictions: []prediction{{"cat", math.NaN()}}})
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusInternalServerError || a.Error == "" {
		t.Errorf("status %d, %s, %v", w.Code, w.Body, err)
	}
}
