package backend

import (
	"fmt"
	"strings"

	"depthwise.dev/autograd"
)

// Notes says what a user may not expect of the options on this machine: that the CPU computes although there is a GPU,
// options without effect, a precision that the device is slow in. Options that are wrong have none: [NewMachine] refuses them.
func Notes(o Options) []string {
	o = o.WithDefaults()
	d, err := autograd.ParseDevice(o.Device)
	if err != nil {
		return nil
	}
	p, err := autograd.Precision(o.Precision).Resolve(d)
	if err != nil {
		return nil
	}
	return notes(o, d, p)
}

// notes is Notes for the device and the precision that the options mean.
func notes(o Options, d autograd.Device, p autograd.Precision) []string {
	gpu, ok := autograd.GPUByDevice(d)
	if ok {
		return notesOfGPU(o, gpu, autograd.HasTF32(d), p, autograd.FastPrecision(d))
	}
	var list []string
	if fallback := autograd.FallbackNote(); o.Device == "auto" && fallback != "" {
		list = append(list, fallback)
	}
	return append(list, notesOfCPU(o, p)...)
}

// notesOfCPU are the notes of options on the CPU.
func notesOfCPU(o Options, p autograd.Precision) (list []string) {
	var without []string
	if o.TF32 {
		without = append(without, "--tf32")
	}
	if o.NonDeterministic {
		without = append(without, "--deterministic=false")
	}
	switch len(without) {
	case 1:
		list = append(list, without[0]+" has no effect on the CPU: it is for GPUs")
	case 2:
		list = append(list, strings.Join(without, " and ")+" have no effect on the CPU: they are for GPUs")
	}
	if p == autograd.FP16 {
		list = append(list, "fp16 is slow on a CPU, and is for GPUs without bf16: --precision auto takes the fastest")
	}
	return list
}

// notesOfGPU are those of options on a GPU.
func notesOfGPU(o Options, gpu autograd.GPU, tf32 bool, p, fast autograd.Precision) (list []string) {
	if o.TF32 && !tf32 {
		list = append(list, fmt.Sprintf("--tf32 has no effect on %s of compute capability %s: TF32 needs 8.0 or later", gpu.Name, gpu.Capability))
	}
	if p == autograd.BF16 && fast == autograd.FP16 {
		list = append(list, fmt.Sprintf("%s of compute capability %s has no instructions for bf16: --precision fp16 is faster", gpu.Name, gpu.Capability))
	}
	return list
}
