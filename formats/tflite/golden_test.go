package tflite

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// TestGolden: the bytes of a file change only on purpose. Before another sum is written here, give the file to
// interop/clients/client_litert.py.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"float32", Options{}, "fd3619e809558a2e5e755a14b6d18fb0290cb9d1add838121bc7f385dd496dea"},
		{"float16", Options{Float16: true}, "354dbfa366a19b7ffbdd87509f9f9a455f36f677bfa1c4b8e5b16e7b64a6f0df"},
		{"pixels", Options{Uint8Input: true}, "f18e9e3fe77cc60d1b8bcd5f79e668862c61d7914c73f889ebf5c1ab26d691d4"},
	} {
		w := kinds[0].weights(t)
		file := written(t, w, c.o)
		if got := fmt.Sprintf("%x", sha256.Sum256(file)); got != c.want {
			t.Errorf("%s: SHA-256 %s, want %s", c.name, got, c.want)
		}
		if !bytes.Equal(file, written(t, w, c.o)) {
			t.Errorf("%s: the same weights give other bytes", c.name)
		}
	}
}

// TestMemory: beside the weights, which the caller has, folded ones and the file are allocated once each.
func TestMemory(t *testing.T) {
	w := full(t)
	size := uint64(0)
	for _, a := range w.Arrays {
		size += 4 * uint64(a.Data.Size())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := counter(0)
	if err := Write(&n, w, Options{}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > size*5/2 || uint64(n) < size*9/10 {
		t.Errorf("%d bytes of weights: allocated %d to write %d", size, got, n)
	}
}

type counter int

func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}

// full is a network of usual size: MobileNet v1 at width 1, 17 MB.
func full(t testing.TB) weights.Weights {
	t.Helper()
	c, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return filled(t, g)
}

// TestTooLarge: offsets of the format end at 2 GiB; nothing is allocated before that is checked.
func TestTooLarge(t *testing.T) {
	m := newModel()
	m.buffers = append(m.buffers, content{4, 1 << 29, nil})
	if _, err := m.encode(); err == nil || !strings.Contains(err.Error(), "the weights take 2048 MB, a file of TensorFlow Lite holds at most 2032 MB: use a smaller width") {
		t.Errorf("error %v", err)
	}
}

var errFull = errors.New("no space left on device")

// limited fails after some bytes.
type limited int

func (n *limited) Write(b []byte) (int, error) {
	if *n -= limited(len(b)); *n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestWriteErrors: an error of the output is returned, wherever it is.
func TestWriteErrors(t *testing.T) {
	w := kinds[0].weights(t)
	size := len(written(t, w, Options{}))
	for room := 0; room < size; room += size/50 + 1 {
		n := limited(room)
		if err := Write(&n, w, Options{}); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: error %v", room, size, err)
		}
	}
	n := limited(size)
	if err := Write(&n, w, Options{}); err != nil {
		t.Error(err)
	}
}
