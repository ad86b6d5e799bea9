package backend

import (
	"slices"
	"testing"
)

func TestMachineDifferences(t *testing.T) {
	is := Machine{Device: "cuda:0", Precision: "bf16", Threads: 4, Kernels: "torch", Capability: "AVX512", Libtorch: "2.15.0"}
	for _, c := range []struct {
		name   string
		change func(*Machine)
		want   []string
	}{
		{"none", func(*Machine) {}, nil},
		{"another GPU of the machine", func(m *Machine) { m.Device = "cuda:1" }, nil},
		{"device", func(m *Machine) { m.Device = "cpu" }, []string{"device cpu, here cuda (--device cpu)"}},
		{"precision", func(m *Machine) { m.Precision = "fp32" }, []string{"precision fp32, here bf16 (--precision fp32)"}},
		{"threads", func(m *Machine) { m.Threads = 2 }, []string{"threads 2, here 4 (--threads 2)"}},
		{"kernels", func(m *Machine) { m.Kernels = "fused avx2" }, []string{"kernels fused, here torch (--backend fused)"}},
		{"what no flag changes", func(m *Machine) { m.Capability, m.Libtorch = "AVX2", "2.14.0" },
			[]string{"instruction set AVX2, here AVX512", "libtorch 2.14.0, here 2.15.0"}},
	} {
		was := is
		c.change(&was)
		if got := is.Differences(was); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	got := Machine{Kernels: "fused avx512bf16"}.Differences(Machine{Kernels: "fused avx2"})
	if want := []string{"kernels fused avx2, here fused avx512bf16"}; !slices.Equal(got, want) {
		t.Errorf("another instruction set: %q, want %q", got, want)
	}
}
