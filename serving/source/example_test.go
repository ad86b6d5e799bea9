package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/serving"
	"depthwise.dev/serving/httpserver"
	"depthwise.dev/serving/source"
	"depthwise.dev/weights"
)

// A server of one model. Its handler can be part of another server; Server.Serve runs it by itself.
func Example() {
	run := exampleWeights() // in its place a file, or a run's folder such as "runs/photos"
	defer os.RemoveAll(filepath.Dir(run))
	server, err := httpserver.New(httpserver.Config{
		Models: []httpserver.Source{source.Weights("photos", serving.Config{Weights: run})},
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	web := httptest.NewServer(server)
	defer web.Close()

	answer, err := http.Post(web.URL+"/v1/classify", "image/jpeg", strings.NewReader("cat.jpg"))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StatusCode, strings.Contains(string(text), `"code":"bad_image"`))
	// Output: 400 true
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
