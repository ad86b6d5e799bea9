package main

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/bench"
	"depthwise.dev/internal/host"
)

// TestBenchAllReduce: the ranks of --nproc measure, and rank 0 alone prints.
func TestBenchAllReduce(t *testing.T) {
	t.Cleanup(func() { host.Divide(0) })
	var r bench.AllReduceSpeed
	decode(t, done(t, "bench", "allreduce", "--nproc", "2", "--steps", "2", "--warmup-steps", "1", "--json"), &r)
	var sizes []int64
	for _, s := range r.Sizes {
		sizes = append(sizes, s.Bytes)
		if s.Measured != 2 || !(s.MedianMS > 0) {
			t.Errorf("%+v", s)
		}
	}
	if r.Ranks != 2 || len(r.Members) != 2 || !slices.Equal(sizes, bench.AllReduceSizes()) {
		t.Errorf("%+v", r)
	}
	text := done(t, "bench", "allreduce", "--nproc", "2", "--steps", "2")
	for _, want := range []string{"2 ranks, gloo (ring), tensors on cpu\n", "rank 1: ", "\n    1 KiB ", "\n   64 MiB ", ", at 127.0.0.1\nrank", "\nlink: latency "} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, text)
		}
	}
}

// TestBenchScaling: a process alone predicts for the links of its flags, several ranks for their own.
func TestBenchScaling(t *testing.T) {
	t.Cleanup(func() { host.Divide(0) })
	network := []string{"bench", "scaling", "--width", "0.25", "--resolution", "32", "--batch-size", "6", "--steps", "2"}
	text := done(t, append(network, "--latency", "1ms", "--bandwidth", "2")...)
	for _, want := range []string{"each step sums 1.9 MB over the ranks", "predicted, 2 Gbit/s (latency 1000 us, 2 Gbit/s for gloo)", "\n   256 "} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	var r bench.ScalingSpeed
	decode(t, done(t, append(network, "--nproc", "2", "--json")...), &r)
	if r.Measured == nil || len(r.Links) != 1 || r.Measured.AllReduce.Ranks != 2 || !(r.Measured.StepMS > 0) || r.Measured.Predicted.Ranks != 2 {
		t.Errorf("%+v", r)
	}
	text = done(t, append(network, "--nproc", "2")...)
	for _, want := range []string{"link of the 2 ranks: latency ", "measured together: ", "predicted together: ", "predicted, measured (latency "} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, text)
		}
	}
}

// TestBenchRanksUsage: wrong flags are refused once, before ranks are started.
func TestBenchRanksUsage(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"one process", "bench allreduce", "train bench allreduce needs at least two processes: --nproc 2 starts them"},
		{"one rank", "bench allreduce --nproc 1", "needs at least two processes"},
		{"no bandwidth", "bench scaling --bandwidth 0", `--bandwidth "0": must be numbers of Gbit/s above 0`},
		{"negative bandwidth", "bench scaling --bandwidth=1,-1", `--bandwidth "1,-1": must be numbers`},
		{"a bandwidth that is no number", "bench scaling --bandwidth NaN", `--bandwidth "NaN": must be numbers`},
		{"negative latency", "bench scaling --latency=-1us", "--latency -1µs: must not be negative"},
		{"an empty bandwidth", "bench scaling --bandwidth 1,,10", `--bandwidth "1,,10": must be numbers`},
		{"an infinite bandwidth", "bench scaling --bandwidth Inf", `--bandwidth "Inf": must be numbers`},
		{"a latency without a unit", "bench scaling --latency 50", "--latency"},
		{"a link for several ranks", "bench scaling --nproc 2 --bandwidth 1", "--bandwidth is for predictions of one process: several ranks measure their own link"},
		{"no steps", "bench scaling --nproc 2 --steps 0", "--steps must be 1"},
		{"ranks of another machine's GPU", "bench allreduce --nproc 2 --device cuda:9", "cuda:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(func() { host.Divide(0) })
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			if code == exitDone || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, output %q, errors %q; want one line with %q", code, stdout, stderr, c.want)
			}
		})
	}
}
