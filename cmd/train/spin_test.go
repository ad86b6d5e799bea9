package main

import (
	"runtime"
	"strings"
	"testing"

	"depthwise.dev/autograd"
)

func TestComputes(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"--data photos", true},
		{"--width 0.5 --data photos --resume auto", true},
		{"eval --weights w --data photos", true},
		{"predict --weights w a.jpg", true},
		{"bench step", true},
		{"bench infer --layers", true},
		{"check --width 0.25", true},
		{"data check photos", true},
		{"", false},
		{"--help", false},
		{"eval -h", false},
		{"--version", false},
		{"version", false},
		{"help eval", false},
		{"summary --width 0.5", false},
		{"export --weights w --output o.npz", false},
		{"data shard photos out", false},
		{"completion bash", false},
		{"__complete --optimizer s", false},
		{"evla --weights w", false},
	} {
		if got := computes(strings.Fields(c.args)); got != c.want {
			t.Errorf("train %s: %v, want %v", c.args, got, c.want)
		}
	}
}

// TestChosen: a variable that is set to nothing would be found again after each start.
func TestChosen(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"neither", map[string]string{"OMP_NUM_THREADS": "2"}, false},
		{"a number", map[string]string{spinVariable: "100"}, true},
		{"empty", map[string]string{spinVariable: ""}, true},
		{"a policy", map[string]string{"OMP_WAIT_POLICY": "passive"}, true},
		{"an empty policy", map[string]string{"OMP_WAIT_POLICY": ""}, true},
	} {
		if got := chosen(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestIsLoader(t *testing.T) {
	for file, want := range map[string]bool{
		"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": true,
		"/lib/ld-linux-aarch64.so.1":                     true,
		"/lib/x86_64-linux-gnu/ld-2.31.so":               true,
		"/lib/ld-musl-x86_64.so.1":                       true,
		"/usr/bin/ld.so":                                 true,
		"/usr/local/bin/train":                           false,
		"/home/ld-user/bin/train":                        false,
		"./old":                                          false,
	} {
		if got := isLoader(file); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}

// TestPrepareToCompute: only commands that run a network get a delayed monitor, and more places for goroutines.
func TestPrepareToCompute(t *testing.T) {
	t.Setenv(spinVariable, spinCount) // the program is not started again
	places := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(places)
	prepareToCompute([]string{"version"})
	if got := runtime.GOMAXPROCS(0); got != places {
		t.Errorf("train version: GOMAXPROCS is %d, want %d", got, places)
	}
	delayed := autograd.DelayMonitor()
	runtime.GOMAXPROCS(places)
	prepareToCompute([]string{"bench", "step"})
	if more := runtime.GOMAXPROCS(0) > places; more != delayed {
		t.Errorf("train bench step: GOMAXPROCS raised: %v, want %v", more, delayed)
	}
}
