package autograd

import "testing"

// TestFastPrecision: bfloat16 from Ampere on, float16 before.
func TestFastPrecision(t *testing.T) {
	for capability, want := range map[string]Precision{
		"5.2": FP16, "6.1": FP16, "7.0": FP16, "7.5": FP16, "8.0": BF16, "8.6": BF16, "8.9": BF16, "9.0": BF16, "10.0": BF16, "12.0": BF16,
	} {
		if got := with(capability).gpus[0].fastPrecision(); got != want {
			t.Errorf("capability %s: %s, want %s", capability, got, want)
		}
	}
}

// TestTF32: the CPU and a GPU that is not there have none.
func TestTF32(t *testing.T) {
	for _, d := range []Device{CPU, CUDA(99)} {
		if HasTF32(d) {
			t.Errorf("%v has TF32", d)
		}
	}
}
