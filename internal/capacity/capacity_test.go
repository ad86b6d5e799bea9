package capacity

import (
	"math"
	"strings"
	"testing"

	"depthwise.dev/internal/host"
)

func TestNeed(t *testing.T) {
	batch := Need{What: "training", Images: 1000, Height: 224, Width: 224, Fixed: 1e6, PerImage: 1e6}
	for _, c := range []struct {
		name      string
		images    int
		available host.Bound
		want      string
	}{
		{"fits", 1000, host.Bound{N: 1001e6, By: "ulimit -v"}, ""},
		{"nothing known", math.MaxInt, host.Bound{N: math.MaxInt64}, "training with batches of 9223372036854775807 images of 224x224 needs at least 9.22e+06 EB of memory, but 9.22 EB are available (the address space of a process): --batch-size 6456360425797 fits"},
		{"too much", 1000, host.Bound{N: 100e6, By: "ulimit -v"}, "training with batches of 1000 images of 224x224 needs at least 1 GB of memory, but 100 MB are available (ulimit -v): --batch-size 69 fits"},
		{"not even one", 2, host.Bound{N: 2e6, By: "ulimit -v"}, "training with batches of 2 images of 224x224 needs at least 3 MB of memory, but 2 MB are available (ulimit -v): no batch size fits; use a smaller --resolution or --width, or free memory"},
		{"a number that does not fit an int", math.MaxInt, host.Bound{N: 0, By: "ulimit -v"}, "training with batches of 9223372036854775807 images of 224x224 needs at least 9.22e+06 EB of memory, but 0 bytes are available (ulimit -v): no batch size fits; use a smaller --resolution or --width, or free memory"},
	} {
		batch.Images = c.images
		err := batch.Within(c.available)
		if got := message(err); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	batch.Images, batch.Likely = 1000, 3e6
	if got := message(batch.Within(host.Bound{N: 100e6, By: "cuda:0"})); !strings.HasSuffix(got, ": --batch-size 23 fits") {
		t.Errorf("with a likely need: %s", got)
	}
	batch.Images = 100
	if batch.fitsInto(host.Bound{N: 110e6}) || !batch.fitsInto(host.Bound{N: 150e6}) { // 101e6 of 70 %
		t.Error("the margin of what fits")
	}
	if err := (Need{Images: 1, PerImage: 1}).Check(); err != nil {
		t.Errorf("a byte of this machine: %v", err)
	}
}

func TestThreads(t *testing.T) {
	for _, c := range []struct {
		name      string
		n, each   int
		available host.Bound
		want      string
	}{
		{"fits", 10, 2, host.Bound{N: 28, By: "ulimit -u"}, ""},
		{"too many", 10, 2, host.Bound{N: 27, By: "ulimit -u"}, "--threads 10 needs 28 threads, but 27 can be started (ulimit -u): --threads 9 fits"},
		{"none", 1, 1, host.Bound{N: 3, By: "ulimit -u"}, "--threads 1 needs 9 threads, but 3 can be started (ulimit -u): raise the limit"},
	} {
		if got := message(threadsWithin("--threads", c.n, c.each, c.available)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if err := Threads("--threads", 1, 1); err != nil {
		t.Errorf("a thread of this machine: %v", err)
	}
}

func TestProcesses(t *testing.T) {
	memory := host.Bound{N: 1 << 30, By: "free memory"}
	for _, c := range []struct {
		n    int
		want string
	}{
		{1, ""},
		{16, ""},
		{17, "--nproc 17: so many processes need at least 1.14 GB of memory, but 1.07 GB are available (free memory): at most 16 can start"},
	} {
		if got := message(processesWithin("--nproc", c.n, memory)); got != c.want {
			t.Errorf("%d processes: %q, want %q", c.n, got, c.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
