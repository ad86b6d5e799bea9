package serving

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/weights/weightstest"
)

// openClassifier opens a classifier of a small network, which the test closes unless it has.
func openClassifier(t *testing.T, c Config) *Classifier {
	t.Helper()
	c.Weights = filepath.Join(t.TempDir(), "w.safetensors")
	if err := weightstest.New(t).Write(c.Weights); err != nil {
		t.Fatal(err)
	}
	c.Options = backend.Options{Threads: 1}
	k, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// pngFile is a PNG file of one color.
func pngFile(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// occupy keeps a decoder busy until release is called.
func occupy(t *testing.T, c *Classifier) (release func()) {
	t.Helper()
	busy, free, ended := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		_, err := c.decoding.pool.Do(t.Context(), func(context.Context, *data.Decoder) ([]uint8, error) {
			close(busy)
			<-free
			return nil, nil
		})
		ended <- err
	}()
	<-busy
	return func() {
		close(free)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestDecodingIsBounded: while all decoders are busy, requests wait, are refused and end with their contexts,
// in Predict and PredictFile.
func TestDecodingIsBounded(t *testing.T) {
	file := pngFile(t, 50, 40)
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, predict := range map[string]func(*Classifier, context.Context) ([]classify.ClassProbability, error){
		"Predict": func(c *Classifier, ctx context.Context) ([]classify.ClassProbability, error) {
			return c.Predict(ctx, bytes.NewReader(file), 1)
		},
		"PredictFile": func(c *Classifier, ctx context.Context) ([]classify.ClassProbability, error) {
			return c.PredictFile(ctx, path, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := openClassifier(t, Config{Decoders: 1, QueueLength: 1})
			release := occupy(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			results := make(chan error, 1)
			call := func(ctx context.Context) { _, err := predict(c, ctx); results <- err }
			go call(ctx)
			for c.Stats().Waiting < 1 {
				runtime.Gosched()
			}
			if _, err := predict(c, t.Context()); !errors.Is(err, ErrQueueFull) {
				t.Errorf("a second request in a queue of one: %v", err)
			}
			cancel()
			if err := <-results; err != context.Canceled {
				t.Errorf("the waiting request: %v", err)
			}
			if s := c.Stats(); s != (Stats{Refused: 1, Dropped: 1, Decoding: 1}) {
				t.Errorf("stats %+v", s)
			}
			go call(t.Context())
			for c.Stats().Waiting < 1 {
				runtime.Gosched()
			}
			release()
			if err := <-results; err != nil {
				t.Errorf("a request after the decoder was free: %v", err)
			}
			if s := c.Stats(); s.Images != 1 || s.Decoding != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// TestTooLarge: the defaults and the settings of the limits, for readers and files.
func TestTooLarge(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		config Config
		file   []byte
		want   string // of the error; "": none
	}{
		"at the limit of pixels":    {Config{MaxPixels: 2000}, pngFile(t, 50, 40), ""},
		"above the limit of pixels": {Config{MaxPixels: 1999}, pngFile(t, 50, 40), "50x40 pixels: more than 1999"},
		"default limit of pixels":   {Config{}, pngFile(t, 5001, 5000), "5001x5000 pixels: more than 25000000"},
		"a higher limit":            {Config{MaxPixels: 25_005_000}, pngFile(t, 5001, 5000), ""},
		"above the limit of bytes":  {Config{MaxFileSize: 50}, pngFile(t, 50, 40), "50 bytes"},
		"default limit of bytes":    {Config{}, append(pngFile(t, 50, 40), make([]byte, 32<<20)...), "the file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := openClassifier(t, tt.config)
			path := filepath.Join(dir, "image")
			if err := os.WriteFile(path, tt.file, 0o644); err != nil {
				t.Fatal(err)
			}
			_, fromReader := c.Predict(t.Context(), bytes.NewReader(tt.file), 1)
			_, fromFile := c.PredictFile(t.Context(), path, 1)
			for how, err := range map[string]error{"reader": fromReader, "file": fromFile} {
				if errors.Is(err, ErrTooLarge) != (tt.want != "") || tt.want == "" && err != nil {
					t.Errorf("%s: error %v, want %q", how, err, tt.want)
				}
			}
			if tt.want != "" && !strings.Contains(fromReader.Error(), tt.want) {
				t.Errorf("error %q does not contain %q", fromReader, tt.want)
			}
		})
	}
}

// TestPredictReadsNoMore: of an endless body no more than the limit is read, and none after the end of the
// context.
func TestPredictReadsNoMore(t *testing.T) {
	c := openClassifier(t, Config{MaxFileSize: 1000})
	read := 0
	endless := readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil })
	if _, err := c.Predict(t.Context(), endless, 1); !errors.Is(err, ErrTooLarge) || read > 2000 {
		t.Errorf("error %v after %d bytes", err, read)
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow := readerFunc(func(p []byte) (int, error) { cancel(); p[0] = 1; return 1, nil })
	if _, err := c.Predict(ctx, slow, 1); err != context.Canceled {
		t.Errorf("a body that ends after the context: %v", err)
	}
	broken := errors.New("broken")
	if _, err := c.Predict(t.Context(), iotest.ErrReader(broken), 1); !errors.Is(err, broken) {
		t.Errorf("a body that fails: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestManyLargeImages: of many concurrent requests with images at the limit of pixels at most two are decoded
// at the same time.
func TestManyLargeImages(t *testing.T) {
	c := openClassifier(t, Config{Decoders: 2})
	file := pngFile(t, 2000, 2000)
	var wait sync.WaitGroup
	for range 12 {
		wait.Go(func() {
			if s := c.Stats(); s.Decoding > 2 {
				t.Errorf("%d images are being decoded", s.Decoding)
			}
			if _, err := c.Predict(t.Context(), bytes.NewReader(file), 1); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if s := c.Stats(); s.Images != 12 || s.Decoding != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestCloseFinishesRequests: one that waits for a decoder is decoded and computed; later ones are refused.
func TestCloseFinishesRequests(t *testing.T) {
	c := openClassifier(t, Config{Decoders: 1})
	file := pngFile(t, 50, 40)
	release := occupy(t, c)
	result := make(chan error, 1)
	go func() { _, err := c.Predict(t.Context(), bytes.NewReader(file), 1); result <- err }()
	for c.Stats().Waiting < 1 {
		runtime.Gosched()
	}
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	for c.begin() { // until Close has begun
		c.requests.Done()
	}
	if _, err := c.Predict(t.Context(), bytes.NewReader(file), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("a request after Close: %v", err)
	}
	release()
	if err := errors.Join(<-result, <-closed); err != nil {
		t.Error(err)
	}
}

func TestDecodingSettings(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weightstest.New(t).Write(weights); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config Config
		want   string
	}{
		"decoders":                  {Config{Decoders: -1}, "Decoders -1"},
		"more decoders than memory": {Config{Decoders: 1 << 40}, "Decoders 1099511627776: must be in 0..1024"},
		"pixels":                    {Config{MaxPixels: 100_000_000}, "MaxPixels 100000000"},
		"file size":                 {Config{MaxFileSize: -1}, "MaxFileSize -1"},
		"larger file":               {Config{MaxFileSize: 2 << 30}, "MaxFileSize"},
		"queue":                     {Config{QueueLength: -1}, "QueueLength -1"},
		"decode":                    {Config{Decode: "half"}, "Decode half"},
	} {
		tt.config.Weights = weights
		if _, err := Open(tt.config); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// TestDecoderPanic: a panic in a decoder is the error of its request, and the classifier continues.
func TestDecoderPanic(t *testing.T) {
	c := openClassifier(t, Config{Decoders: 1})
	_, err := c.decoded(t.Context(), c.Engine.Classify, func(context.Context, *data.Decoder) ([]uint8, error) { panic("broken") })
	if p, ok := errors.AsType[*autograd.PanicError](err); !ok || p.Value != "broken" {
		t.Errorf("error %v", err)
	}
	if _, err := c.Predict(t.Context(), io.MultiReader(bytes.NewReader(pngFile(t, 50, 40))), 1); err != nil {
		t.Error(err)
	}
}
