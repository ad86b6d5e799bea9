package backend

import (
	"cmp"
	"fmt"
	"regexp"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// Options selects what computes.
type Options struct {
	// Precision of the convolutions: fp32, bf16, fp16 or auto. "": fp32.
	Precision string
	// Device is cpu, cuda, cuda:N or auto. "": auto.
	Device string
	// Backend is fused (kernels of this module, on the CPU), torch (operations of libtorch) or
	// auto. "": auto.
	Backend string
	// Threads that compute. 0: OMP_NUM_THREADS if it is set, otherwise one for each physical core that the affinity mask
	// and the quotas of control groups leave to the process.
	Threads int
	// CUDAGraph says whether work of a GPU is recorded as CUDA graphs: auto, on or off. "": auto.
	CUDAGraph string
	// TF32 lets GPUs round the operands of products of float32 to 10 bits.
	TF32 bool
	// NonDeterministic lets GPUs use the fastest algorithms, whose bits can differ from run to run.
	NonDeterministic bool
}

// Values of Options.CUDAGraph.
const (
	GraphAuto = "auto" // where it is possible
	GraphOn   = "on"   // otherwise it is an error
	GraphOff  = "off"
)

// The values of named options, in the order in which messages list them.
var (
	Precisions = []string{"auto", "fp32", "bf16", "fp16"}
	Devices    = []string{"auto", "cpu", "cuda", "cuda:N"}
	CUDAGraphs = []string{GraphAuto, GraphOn, GraphOff}
)

// Names lists the values of Options.Backend.
func Names() []string {
	names := []string{"auto"}
	for _, b := range backends {
		names = append(names, b.Name())
	}
	return names
}

// maxThreads bounds the threads that compute. No machine has as many cores, and libgomp crashes where the system refuses
// threads.
const maxThreads = 1024

// devicePattern is the form of Options.Device.
var devicePattern = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,3})?)$`)

// Validate checks every option and names all that are wrong in a *validate.Error.
func (o Options) Validate() error {
	var v validate.Collector
	o.WithDefaults().Collect(&v)
	return v.Err()
}

// Collect adds every wrong option to v, under the names of the configuration file. It sets no
// defaults.
func (o Options) Collect(v *validate.Collector) {
	v.OneOf("precision", o.Precision, Precisions)
	v.OneOf("backend", o.Backend, Names())
	if o.CUDAGraph != "" {
		v.OneOf("cuda_graph", o.CUDAGraph, CUDAGraphs)
	}
	v.Check(devicePattern.MatchString(o.Device), "device", fmt.Sprintf("%q", o.Device), suggest.OneOf(o.Device, Devices))
	v.Check(o.Threads >= 0 && o.Threads <= maxThreads, "threads", o.Threads, fmt.Sprintf("must be 1 to %d, or 0 for one per physical core", maxThreads))
}

// WithDefaults returns the options with a value for each empty one.
func (o Options) WithDefaults() Options {
	o.Precision, o.Device, o.Backend = cmp.Or(o.Precision, "fp32"), cmp.Or(o.Device, "auto"), cmp.Or(o.Backend, "auto")
	o.CUDAGraph = cmp.Or(o.CUDAGraph, GraphAuto)
	return o
}
