package serving_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/serving"
	"depthwise.dev/weights"
)

// A server that classifies images. Requests that arrive together form a batch.
func ExampleOpen() {
	run := exampleWeights() // in its place a file, or a run's folder such as "runs/photos"
	defer os.RemoveAll(filepath.Dir(run))
	classifier, err := serving.Open(serving.Config{Weights: run, QueueLength: 100})
	if err != nil {
		log.Fatal(err)
	}
	defer classifier.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
		defer cancel()
		top, err := classifier.Predict(ctx, http.MaxBytesReader(w, r.Body, 20<<20), 5)
		switch {
		case errors.Is(err, serving.ErrQueueFull), errors.Is(err, serving.ErrClosed), errors.Is(err, context.DeadlineExceeded):
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		case errors.Is(err, serving.ErrTooLarge):
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		case errors.Is(err, serving.ErrImage):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, "the network failed", http.StatusInternalServerError)
		default:
			json.NewEncoder(w).Encode(top)
		}
	}))
	defer server.Close()

	for _, body := range []io.Reader{examplePhoto(), strings.NewReader("cat.jpg")} {
		response, err := http.Post(server.URL, "application/octet-stream", body)
		if err != nil {
			log.Fatal(err)
		}
		var top []classify.ClassProbability
		fmt.Println(response.StatusCode, json.NewDecoder(response.Body).Decode(&top) == nil, len(top))
		response.Body.Close()
	}
	// Output:
	// 200 true 3
	// 400 false 0
}

// The features of two images, and how similar they are.
func ExampleClassifier_Embed() {
	run := exampleWeights() // in its place a file, or a run's folder such as "runs/photos"
	defer os.RemoveAll(filepath.Dir(run))
	classifier, err := serving.Open(serving.Config{Weights: run})
	if err != nil {
		log.Fatal(err)
	}
	defer classifier.Close()
	a, errA := classifier.Embed(context.Background(), examplePhoto())
	b, errB := classifier.Embed(context.Background(), examplePhoto())
	if err := errors.Join(errA, errB); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d features, similarity %.2f\n", len(a), classify.CosineSimilarity(a, b))
	// Output:
	// 256 features, similarity 1.00
}

// examplePhoto stands for a photograph.
func examplePhoto() io.Reader {
	var photo bytes.Buffer
	png.Encode(&photo, image.NewGray(image.Rect(0, 0, 60, 40)))
	return &photo
}

// exampleWeights stands for a trained run's folder: a network of three classes with its initial
// values.
func exampleWeights() string {
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 3
	g, graphErr := c.Graph()
	w := weights.Weights{Graph: g, Config: &c.Model, Classes: []string{"bird", "cat", "dog"}, Preprocess: c.Preprocess()}
	err := autograd.Run(context.Background(), func(s *autograd.Scope) (err error) {
		w.Arrays, err = backend.HostArrays(s, "", backend.New(s, g, 1).State())
		return err
	})
	dir, dirErr := os.MkdirTemp("", "example")
	path := filepath.Join(dir, "best.safetensors")
	if err := errors.Join(graphErr, err, dirErr, w.Write(path)); err != nil {
		log.Fatal(err)
	}
	return path
}
