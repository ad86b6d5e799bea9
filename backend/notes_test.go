package backend

import (
	"slices"
	"testing"

	"depthwise.dev/autograd"
)

// TestNotesOfCPU: options that have no effect on the CPU are named in one line.
func TestNotesOfCPU(t *testing.T) {
	const slow = "fp16 is slow on a CPU, and is for GPUs without bf16: --precision auto takes the fastest"
	for _, tt := range []struct {
		name    string
		options Options
		want    []string
	}{
		{"defaults", Options{Device: "cpu"}, nil},
		{"TF32", Options{Device: "cpu", TF32: true}, []string{"--tf32 has no effect on the CPU: it is for GPUs"}},
		{"not deterministic", Options{Device: "cpu", NonDeterministic: true}, []string{"--deterministic=false has no effect on the CPU: it is for GPUs"}},
		{"both", Options{Device: "cpu", TF32: true, NonDeterministic: true}, []string{"--tf32 and --deterministic=false have no effect on the CPU: they are for GPUs"}},
		{"fp16", Options{Device: "cpu", Precision: "fp16"}, []string{slow}},
		{"bf16", Options{Device: "cpu", Precision: "bf16"}, nil},
		{"fp16 and TF32", Options{Device: "cpu", Precision: "fp16", TF32: true}, []string{"--tf32 has no effect on the CPU: it is for GPUs", slow}},
		{"a wrong device", Options{Device: "gpu", TF32: true}, nil},
		{"a wrong precision", Options{Device: "cpu", Precision: "fp8", TF32: true}, nil},
	} {
		if got := Notes(tt.options); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestNotesOfGPU: cards before compute capability 8.0 have neither TF32 nor bf16.
func TestNotesOfGPU(t *testing.T) {
	old := autograd.GPU{Name: "Tesla T4", Capability: "7.5"}
	recent := autograd.GPU{Name: "NVIDIA H200", Capability: "9.0"}
	for _, tt := range []struct {
		name    string
		options Options
		gpu     autograd.GPU
		tf32    bool
		p, fast autograd.Precision
		want    []string
	}{
		{"a recent card", Options{TF32: true, NonDeterministic: true}, recent, true, autograd.BF16, autograd.BF16, nil},
		{"fp16 on a recent card", Options{}, recent, true, autograd.FP16, autograd.BF16, nil},
		{"an old card", Options{NonDeterministic: true}, old, false, autograd.FP16, autograd.FP16, nil},
		{"TF32 on an old card", Options{TF32: true}, old, false, autograd.FP32, autograd.FP16,
			[]string{"--tf32 has no effect on Tesla T4 of compute capability 7.5: TF32 needs 8.0 or later"}},
		{"bf16 on an old card", Options{}, old, false, autograd.BF16, autograd.FP16,
			[]string{"Tesla T4 of compute capability 7.5 has no instructions for bf16: --precision fp16 is faster"}},
	} {
		if got := notesOfGPU(tt.options, tt.gpu, tt.tf32, tt.p, tt.fast); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
