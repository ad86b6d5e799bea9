// Serve is an HTTP server that classifies images: POST a JPEG, PNG or GIF file to /, the answer is JSON.
//
//	curl --data-binary @photo.jpg http://127.0.0.1:8080/
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	classifier "depthwise.dev/formats/gopackage/classifier"
)

// Limits of a request. A decoder takes up to 12 bytes per pixel, for each of as many requests as there are processors. As many
// requests as maxBodies are in memory, 256 MB at most; the bodies of further ones are not read before.
const (
	maxBody   = 16 << 20 // bytes
	maxBodies = 16
	maxPixels = 25 << 20
	timeout   = 30 * time.Second // of reading a request and of writing the answer
)

func main() {
	address := flag.String("addr", "127.0.0.1:8080", "address to listen on") // no name, which a container may not resolve
	top := flag.Int("top", 5, "classes in an answer")
	flag.Parse()
	if err := checkArguments(*top, flag.Args()); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if err := serve(*address, *top); err != nil {
		log.Fatal(err)
	}
}

// checkArguments refuses wrong usage that package flag does not find.
func checkArguments(top int, rest []string) error {
	if top < 1 {
		return fmt.Errorf("-top %d: must be at least 1", top)
	}
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	return nil
}

// serve answers requests until the process is interrupted.
func serve(address string, top int) error {
	c, err := classifier.New()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newHandler(c, top), ReadHeaderTimeout: timeout, ReadTimeout: timeout, WriteTimeout: 2 * timeout, IdleTimeout: timeout, MaxHeaderBytes: 16 << 10}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		ended <- server.Shutdown(last) // answers the requests that it has
	}()
	log.Printf("listening on http://%s", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// answer is the JSON of a response.
type answer struct {
	Predictions []prediction `json:"predictions,omitempty"`
	Error       string       `json:"error,omitempty"`
}

type prediction struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

// newHandler answers requests, as many at a time as there are processors.
func newHandler(c *classifier.Classifier, top int) http.Handler {
	bodies := make(chan struct{}, maxBodies)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if !enter(r.Context(), bodies) {
			w.Header().Set("Retry-After", "1")
			write(w, http.StatusServiceUnavailable, answer{Error: "too many requests; retry later"})
			return
		}
		defer func() { <-bodies }()
		file, err := read(http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
		if err != nil {
			write(w, status(err), answer{Error: err.Error()})
			return
		}
		if !enter(r.Context(), slots) {
			return // the client has gone
		}
		defer func() { <-slots }()
		list, err := classify(c, file, top)
		if err != nil {
			write(w, status(err), answer{Error: err.Error()})
			return
		}
		write(w, http.StatusOK, answer{Predictions: list})
	})
	return mux
}

// enter waits for a slot, at most for the time of a request. It returns false if there was none.
func enter(ctx context.Context, slots chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// read reads a body into memory of its size, if it has told that; -1: it has not.
func read(body io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	if size > 0 {
		b.Grow(int(min(size, maxBody)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

// classify returns the most probable classes of an image file.
func classify(c *classifier.Classifier, file []byte, top int) ([]prediction, error) {
	if config, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && config.Width*config.Height > maxPixels {
		return nil, fmt.Errorf("%w: %dx%d pixels", classifier.ErrTooLarge, config.Width, config.Height)
	}
	predictions, err := c.ClassifyJPEG(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var list []prediction
	for _, p := range predictions[:max(0, min(top, len(predictions)))] {
		list = append(list, prediction{p.Class, p.Probability})
	}
	return list, nil
}

// status is the HTTP status of an error of a request.
func status(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, classifier.ErrTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func write(w http.ResponseWriter, status int, a answer) {
	text, err := json.Marshal(a)
	if err != nil { // a probability that is NaN: the weights are damaged
		log.Print(err)
		status, text = http.StatusInternalServerError, []byte(`{"error":"the result is not a number"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(text, '\n')); err != nil {
		log.Print(err)
	}
}
