package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/data"
)

func TestRank(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		logits []float32
		class  int
		want   int
	}{
		{"greatest", []float32{1, 5, 3}, 1, 1},
		{"second", []float32{1, 5, 3}, 2, 2},
		{"last", []float32{1, 5, 3}, 0, 3},
		{"a tie counts against it", []float32{5, 5, 3}, 0, 2},
		{"all equal", []float32{0, 0, 0, 0, 0, 0}, 3, 6},
		{"not a number itself", []float32{1, nan, 3}, 1, 3},
		{"not a number elsewhere", []float32{1, nan, 3}, 2, 2},
		{"only class", []float32{-4}, 0, 1},
	} {
		if got := rank(c.logits, c.class); got != c.want {
			t.Errorf("%s: rank %d, want %d", c.name, got, c.want)
		}
	}
	// Labels 1, 0, 0: right, tied, right.
	if got := correct([]float32{0, 1, 2, 2, 7, -7}, []int64{1, 0, 0}); got != 2 {
		t.Errorf("%d correct, want 2", got)
	}
}

func TestCrossEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		logits := make([]float32, 7)
		sum := 0.0
		for i := range logits {
			logits[i] = 10 * (rng.Float32() - 0.5)
			sum += math.Exp(float64(logits[i]))
		}
		want := -math.Log(math.Exp(float64(logits[3])) / sum)
		if got := crossEntropy(logits, 3); math.Abs(got-want) > 1e-13 {
			t.Errorf("cross entropy %v, want %v", got, want)
		}
	}
	if got := crossEntropy([]float32{1e30, 0}, 1); got != 1e30 && math.Abs(got/1e30-1) > 1e-6 { // 1e30 as float32
		t.Errorf("cross entropy of huge logits is %v", got)
	}
	if got := crossEntropy([]float32{-1e30, -1e30}, 1); math.Abs(got-math.Ln2) > 1e-15 {
		t.Errorf("cross entropy of two equal logits is %v", got)
	}
}

func TestScore(t *testing.T) {
	if a, b, c := (score{}).rates(); a != 0 || b != 0 || c != 0 {
		t.Errorf("nothing rates %v %v %v", a, b, c)
	}
	if a, b, c := (score{images: 8, top1: 2, top5: 6, loss: 4}).rates(); a != 0.25 || b != 0.75 || c != 0.5 {
		t.Errorf("rates %v %v %v", a, b, c)
	}
	sum := tally{Images: 3, Correct: 1, Loss: 1.5, Skipped: 1}
	sum.add(tally{Images: 5, Correct: 3, Loss: 6.5, Skipped: 2})
	if loss, top1 := sum.rates(); loss != 1 || top1 != 0.5 || sum.Skipped != 3 {
		t.Errorf("tally %+v rates %v %v", sum, loss, top1)
	}
}

func TestClockEstimate(t *testing.T) {
	c := clock{lastStep: time.Now()}
	for i := 1; i < estimateAt; i++ {
		c.step(4)
		if _, ready := c.estimate(100); ready {
			t.Errorf("ready after %d steps", i)
		}
	}
	c.step(4)
	if c.images != 4*estimateAt {
		t.Errorf("%d images", c.images)
	}
	c.early = (estimateAt - estimateFrom) * 200 * time.Millisecond
	if d, ready := c.estimate(100); !ready || d != 20*time.Second {
		t.Errorf("100 steps of 0.2 s are %v, %v", d, ready)
	}
	if _, ready := c.estimate(0); ready {
		t.Error("an estimate at the end")
	}
	c.step(4)
	if _, ready := c.estimate(100); ready {
		t.Error("ready twice")
	}
}

func TestCheckpointDue(t *testing.T) {
	now, hourAgo := time.Now(), time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name  string
		clock clock
		step  int64
		want  bool
	}{
		{"never", clock{lastSaved: hourAgo}, 7, false},
		{"time is up", clock{lastSaved: hourAgo, every: time.Minute}, 7, true},
		{"time is not up", clock{lastSaved: now, every: time.Hour}, 7, false},
		{"step", clock{lastSaved: now, everySteps: 7}, 14, true},
		{"between", clock{lastSaved: now, everySteps: 7}, 15, false},
		{"each step", clock{lastSaved: now, everySteps: 1}, 1, true},
	} {
		if got := c.clock.checkpointDue(c.step); got != c.want {
			t.Errorf("%s: due is %v", c.name, got)
		}
	}
	c := clock{lastSaved: hourAgo, every: time.Minute}
	if c.saved(); c.checkpointDue(8) {
		t.Error("due again right after a checkpoint")
	}
	for name, c := range map[string]clock{"no limit": {started: hourAgo}, "in time": {started: now, limit: time.Hour}} {
		if c.timeUp() {
			t.Errorf("%s: the time is up", name)
		}
	}
	if !(&clock{started: hourAgo, limit: time.Minute}).timeUp() {
		t.Error("the time is not up")
	}
}

func TestMachineDifferences(t *testing.T) {
	is := machine{Device: "cuda:0", Precision: "bf16", Threads: 4, Kernels: "torch", Capability: "AVX512", Libtorch: "2.15.0"}
	for _, c := range []struct {
		name   string
		change func(*machine)
		want   []string
	}{
		{"none", func(*machine) {}, nil},
		{"another GPU of the machine", func(m *machine) { m.Device = "cuda:1" }, nil},
		{"device", func(m *machine) { m.Device = "cpu" }, []string{"device cpu, here cuda (--device cpu)"}},
		{"precision", func(m *machine) { m.Precision = "fp32" }, []string{"precision fp32, here bf16 (--precision fp32)"}},
		{"threads", func(m *machine) { m.Threads = 2 }, []string{"threads 2, here 4 (--threads 2)"}},
		{"kernels", func(m *machine) { m.Kernels = "fused avx2" }, []string{"kernels fused, here torch (--kernels fused)"}},
		{"what no flag changes", func(m *machine) { m.Capability, m.Libtorch = "AVX2", "2.14.0" },
			[]string{"instruction set AVX2, here AVX512", "libtorch 2.14.0, here 2.15.0"}},
	} {
		was := is
		c.change(&was)
		if got := is.differences(was); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	got := machine{Kernels: "fused avx512bf16"}.differences(machine{Kernels: "fused avx2"})
	if want := []string{"kernels fused avx2, here fused avx512bf16"}; !slices.Equal(got, want) {
		t.Errorf("another instruction set: %q, want %q", got, want)
	}
}

func TestDifferentSettings(t *testing.T) {
	for _, c := range []struct {
		name    string
		was, is string
		want    []string
	}{
		{"the same", "lr: 0.1\nseed: 3\n", "seed: 3\nlr: 0.1\n", nil},
		{"a value", "batch_size: 8\n", "batch_size: 16\n", []string{"--batch-size was 8 and is 16"}},
		{"a list", "crop_scale: [0.1, 1]\n", "crop_scale: [0.2, 1]\n", []string{"--crop-scale was [0.1, 1] and is [0.2, 1]"}},
		{"all of them, in order", "seed: 1\nlr: 1\n", "seed: 2\nlr: 2\n", []string{"--seed was 1 and is 2", "--lr was 1 and is 2"}},
	} {
		got, err := differentSettings(c.was, c.is)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, err := differentSettings("lr: [", "lr: 1"); err == nil || !strings.Contains(err.Error(), "configuration") {
		t.Errorf("broken YAML: %v", err)
	}
}

func TestDigestOf(t *testing.T) {
	set := func(root string, change func(*data.Dataset)) string {
		d := &data.Dataset{Root: root, Classes: []string{"a", "b"}, Samples: []data.Sample{{Path: root + "/a/1.png"}, {Path: root + "/b/2.png", Class: 1}}}
		change(d)
		return data.Digest(d)
	}
	same := func(*data.Dataset) {}
	want := set("/x", same)
	if got := set("/elsewhere/y", same); got != want {
		t.Error("the place changes the digest")
	}
	for name, change := range map[string]func(*data.Dataset){
		"another class":     func(d *data.Dataset) { d.Classes[1] = "c" },
		"another name":      func(d *data.Dataset) { d.Samples[0].Path = d.Root + "/a/3.png" },
		"one image fewer":   func(d *data.Dataset) { d.Samples = d.Samples[:1] },
		"moved to a class":  func(d *data.Dataset) { d.Samples[0].Class = 1 },
		"in another order":  func(d *data.Dataset) { slices.Reverse(d.Samples) },
		"classes run on":    func(d *data.Dataset) { d.Classes = []string{"a\nb"} },
		"one class further": func(d *data.Dataset) { d.Classes = append(d.Classes, "c") },
	} {
		if set("/x", change) == want {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	val := &data.Dataset{Root: "/x", Classes: []string{"a", "b"}, Samples: []data.Sample{{Path: "/x/a/9.png"}}}
	if train := (&data.Dataset{Root: "/x", Classes: val.Classes}); data.Digest(train, val) == data.Digest(train, nil) || data.Digest(train, val) == data.Digest(val, train) {
		t.Error("the validation images are left out of the digest")
	}
}
