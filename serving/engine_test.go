package serving

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// tiny is a network that computes an image in a fraction of a millisecond.
func tiny(t testing.TB) mobilenet.Config {
	t.Helper()
	c, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.25, 32, 7
	return c
}

// engineMean and engineStd are the preprocessing of the tests' engines.
var engineMean, engineStd = [3]float64{0.5, 0.4, 0.3}, [3]float64{0.2, 0.3, 0.25}

// engine starts one, and at the test's end closes it and looks for what it left.
func engine(t testing.TB, c EngineConfig) *Engine {
	t.Helper()
	before := autograd.LiveTensors()
	c.Mean, c.Std, c.Threads = engineMean, engineStd, 1
	k, err := NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		if leaked := autograd.LiveTensors() - before; leaked != 0 {
			t.Errorf("%d native tensors leaked", leaked)
		}
	})
	return k
}

// picture is an image of noise with a brightness and color of its own.
func picture(seed uint64, side int) []uint8 {
	rng := rand.New(rand.NewPCG(seed, 3))
	pixels := make([]uint8, 3*side*side)
	low := [3]int{rng.IntN(200), rng.IntN(200), rng.IntN(200)}
	for i := range pixels {
		pixels[i] = uint8(low[i%3] + rng.IntN(56))
	}
	return pixels
}

// distance is the largest difference of two images' logits, in proportion to the largest logit.
func distance(a, b []float32) float64 {
	worst, scale := 0.0, 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
		scale = max(scale, math.Abs(float64(a[i])))
	}
	return worst / scale
}

// TestBatchInvariance: the logits of an image do not depend on the batch that it is in, nor on its
// place there. With the fused kernels they are the same bits. libtorch's products may add up in
// another order for another number of rows: in bf16 an activation that is then rounded the other
// way moves by 2^-8.
func TestBatchInvariance(t *testing.T) {
	for _, c := range []struct {
		backend, precision string
		tolerance          float64 // of the largest logit
	}{
		{"torch", "fp32", 1e-5},
		{"torch", "bf16", 2e-2},
		{"fused", "fp32", 0},
		{"fused", "bf16", 0},
	} {
		t.Run(c.backend+" "+c.precision, func(t *testing.T) {
			err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
				config := tiny(t)
				config.Resolution = 64
				b, err := newBatchForward(s, EngineConfig{Network: initial(config), Std: [3]float64{0.2, 0.3, 0.25},
					Options: backend.Options{Backend: c.backend, Precision: c.precision}})
				if err != nil {
					return err
				}
				worst, apart := 0.0, math.Inf(1)
				alone, err := b.compute([]request{{pixels: picture(0, 64)}})
				if err != nil {
					return err
				}
				for _, size := range []int{2, 3, 5, 8, 16, 31, 32, 33} {
					batch := make([]request, size)
					for i := range batch {
						batch[i].pixels = picture(uint64(100*size+i), 64)
					}
					place := size * 2 / 3
					batch[place].pixels = picture(0, 64)
					logits, err := b.compute(batch)
					if err != nil {
						return err
					}
					worst = max(worst, distance(alone[0], logits[place]))
					apart = min(apart, distance(alone[0], logits[(place+1)%size]))
				}
				t.Logf("largest difference %.2g of the largest logit; other images are %.2g apart at least", worst, apart)
				if !(worst <= c.tolerance) || !(apart > 2*c.tolerance) {
					t.Errorf("largest difference %.2g; want at most %.2g, and other images further apart than %.2g",
						worst, c.tolerance, apart)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestEngineManyGoroutines: each caller gets the logits of its own image. Without a wait callers share
// batches as they happen to come; with one, callers that come together fill every batch.
func TestEngineManyGoroutines(t *testing.T) {
	const images, rounds, maxBatch = 24, 20, 8
	config := EngineConfig{Network: initial(tiny(t)), MaxBatch: maxBatch, Options: backend.Options{Backend: "fused"}}
	free := engine(t, config)
	var pictures [images][]uint8
	var want [images][]float32
	for i := range want {
		pictures[i] = picture(uint64(i), 32)
		logits, err := free.Classify(t.Context(), pictures[i])
		if err != nil {
			t.Fatal(err)
		}
		want[i] = logits
	}
	if s := free.Stats(); s.Images != images || s.Batches != images {
		t.Errorf("one after the other: %+v", s)
	}
	// together classifies all pictures, each several times on a goroutine of its own.
	together := func(k *Engine, times int) {
		var wait sync.WaitGroup
		for i := range images {
			wait.Go(func() {
				pixels := make([]uint8, 3*32*32)
				for range times {
					copy(pixels, pictures[i])
					logits, err := k.Classify(t.Context(), pixels)
					clear(pixels) // the caller's again
					if err != nil || distance(want[i], logits) > 1e-5 {
						t.Errorf("image %d: error %v, or the logits of another", i, err)
					}
				}
			})
		}
		wait.Wait()
	}

	together(free, rounds)
	s := free.Stats()
	if n, batches := s.Images-images, s.Batches-images; n != rounds*images || batches < n/maxBatch || batches >= n {
		t.Errorf("%d goroutines: %d images in %d batches", images, n, batches)
	}

	config.MaxWait = time.Minute // longer than the test: only full batches are computed
	full := engine(t, config)
	for range rounds {
		together(full, 1)
	}
	if s := full.Stats(); s.Images != rounds*images || s.Batches != rounds*images/maxBatch {
		t.Errorf("in rounds of %d: %+v", images, s)
	}
}

// initial builds a MobileNet of initial values.
func initial(c mobilenet.Config) func(*autograd.Scope) (*backend.Network, error) {
	return func(s *autograd.Scope) (*backend.Network, error) {
		g, err := c.Graph()
		if err != nil {
			return nil, err
		}
		return graph(g)(s)
	}
}

// graph builds a network of initial values.
func graph(g *models.Graph) func(*autograd.Scope) (*backend.Network, error) {
	return func(s *autograd.Scope) (*backend.Network, error) { return backend.New(s, g, 1), s.Err() }
}

// TestEngineFailures: a batch that fails, or panics, fails its own images alone, and the engine
// continues; images that find the queue full or have waited too long are never computed; Close
// computes those that wait.
func TestEngineFailures(t *testing.T) {
	broken := errors.New("broken")
	size, goOn := make(chan int), make(chan func(*autograd.Scope)) // of a batch that has begun; what it does in its end
	k := engine(t, EngineConfig{MaxBatch: 4, QueueLength: 4, Network: func(s *autograd.Scope) (*backend.Network, error) {
		n, err := initial(tiny(t))(s)
		if err != nil {
			return nil, err
		}
		n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, output *autograd.Tensor) *autograd.Tensor {
			if l.Kind == models.KindLinear {
				size <- int(output.Shape()[0])
				(<-goOn)(s)
			}
			return nil
		})
		return n, s.Err()
	}})
	computed := int64(0)
	batch := func(want int64) {
		t.Helper()
		if n := <-size; int64(n) != want {
			t.Errorf("a batch of %d, want %d", n, want)
		}
		computed += want
	}
	ask := func(ctx context.Context) <-chan error { // once it waits, or is being computed
		is, before := make(chan error, 1), k.Stats()
		go func() {
			_, err := k.Classify(ctx, picture(1, 32))
			is <- err
		}()
		for s := k.Stats(); s.Waiting+int(s.Images) == before.Waiting+int(before.Images) && len(is) == 0; s = k.Stats() {
			runtime.Gosched()
		}
		return is
	}

	first := ask(t.Context())
	batch(1)
	impatient, cancel := context.WithCancel(t.Context())
	a, b, gone, c := ask(t.Context()), ask(t.Context()), ask(impatient), ask(t.Context())
	if err := <-ask(t.Context()); !errors.Is(err, ErrQueueFull) {
		t.Errorf("one too many: %v, want %v", err, ErrQueueFull)
	}
	cancel()
	if err := <-gone; err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
	goOn <- func(s *autograd.Scope) { s.Fail(broken) }
	if err := <-first; !errors.Is(err, broken) {
		t.Errorf("of the first batch: %v, want %v", err, broken)
	}
	batch(3)
	goOn <- func(*autograd.Scope) { panic(broken) }
	for _, is := range []<-chan error{a, b, c} {
		err := <-is
		if p, ok := errors.AsType[*autograd.PanicError](err); !ok || !errors.Is(err, broken) || !strings.Contains(string(p.Stack), "engine_test") {
			t.Errorf("of the second batch: %v, want a panic with its stack", err)
		}
	}

	fine := func(*autograd.Scope) {}
	d := ask(t.Context())
	batch(1)
	e := ask(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- k.Close() }()
	goOn <- fine
	batch(1)
	goOn <- fine
	for _, is := range []<-chan error{d, e, closed} {
		if err := <-is; err != nil {
			t.Error(err)
		}
	}
	if _, err := k.Classify(t.Context(), picture(1, 32)); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v, want %v", err, ErrClosed)
	}
	if s := k.Stats(); s != (Stats{Images: computed, Batches: 4, Refused: 1, Dropped: 1}) {
		t.Errorf("stats %+v, computed %d", s, computed)
	}
}

// TestEngineRefuses: wrong settings and requests are errors before anything is computed.
func TestEngineRefuses(t *testing.T) {
	std := [3]float64{1, 1, 1}
	odd := errors.New("no weights today")
	network := func(n *backend.Network, err error) func(*autograd.Scope) (*backend.Network, error) {
		return func(*autograd.Scope) (*backend.Network, error) { return n, err }
	}
	grayscale, err := models.Build("grayscale", models.Input(models.Shape{Channels: 1, Height: 8, Width: 8}).
		GlobalAvgPool().Linear(models.Linear{Out: 2}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config EngineConfig
		want   []string
	}{
		"nothing": {EngineConfig{Std: std}, []string{"Network: must be"}},
		"negative sizes": {EngineConfig{Std: std, MaxBatch: -1, MaxWait: -time.Second, QueueLength: -2,
			Options: backend.Options{Threads: -3}}, []string{"MaxBatch -1", "MaxWait -1s", "QueueLength -2", "threads -3"}},
		"no deviation": {EngineConfig{}, []string{"Std [0 0 0]"}},
		"precision": {EngineConfig{Std: std, Network: initial(tiny(t)), Options: backend.Options{Precision: "fp8"}},
			[]string{`precision "fp8": allowed: auto, fp32, bf16`}},
		"backend": {EngineConfig{Std: std, Network: initial(tiny(t)), Options: backend.Options{Backend: "fuse"}},
			[]string{`backend "fuse": did you mean fused? allowed: auto, cuda, fused, torch`}},
		"network":    {EngineConfig{Std: std, Network: network(nil, odd)}, []string{odd.Error()}},
		"no network": {EngineConfig{Std: std, Network: network(nil, nil)}, []string{"built none"}},
		"one channel": {EngineConfig{Std: std, Network: graph(grayscale)},
			[]string{"grayscale takes images of 1 channels; the pixels have 3 (RGB)"}},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := NewEngine(c.config)
			for _, want := range c.want {
				if k != nil || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
	k := engine(t, EngineConfig{Network: initial(tiny(t))})
	want := "2976 bytes of pixels; want 3 * 32 * 32"
	if _, err := k.Classify(t.Context(), make([]uint8, 3*31*32)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("pixels of another size: %v", err)
	}
	ended, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := k.Classify(ended, picture(1, 32)); err != context.DeadlineExceeded {
		t.Errorf("an ended context: %v", err)
	}
	if s := k.Stats(); s.Images != 0 {
		t.Errorf("computed: %+v", s)
	}
}
