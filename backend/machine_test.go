package backend

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

func TestNewMachine(t *testing.T) {
	v1, v2 := graph(t, small(t, "mobilenet_v1", "paper")), graph(t, small(t, "mobilenet_v2", ""))
	auto, reason := "fused", "the fastest for this network"
	if isa, err := (Fused{}).ISA(); err != nil {
		t.Fatal(err)
	} else if isa == portable {
		auto, reason = "torch", "this processor has none of the instruction sets"
	}
	for _, tc := range []struct {
		name    string
		graph   *models.Graph
		options Options
		backend string
		reason  string // or the error
	}{
		{"auto, v1", v1, Options{Device: "cpu", Precision: "fp32", Backend: "auto"}, auto, reason},
		{"auto, v2", v2, Options{Device: "cpu", Precision: "fp32", Backend: "auto"}, "torch", "layer blocks.0.0.conv_pw: the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only"},
		{"torch, v1", v1, Options{Device: "cpu", Precision: "bf16", Backend: "torch"}, "torch", "requested"},
		{"fused, v1", v1, Options{Device: "cpu", Precision: "bf16", Backend: "fused"}, "fused", "requested"},
		{"fused, v2", v2, Options{Device: "cpu", Precision: "fp32", Backend: "fused"}, "",
			"--backend fused cannot compute mobilenet_v2 torchvision, width 0.0625 on cpu: layer blocks.0.0.conv_pw: the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only; use --backend torch or auto"},
		{"cuda, v1", v1, Options{Device: "cpu", Precision: "fp32", Backend: "cuda"}, "",
			"on cpu: the CUDA kernels compute on GPUs, not on the CPU; use --backend torch or auto"},
		{"auto, v1 in fp16", v1, Options{Device: "cpu", Precision: "fp16", Backend: "auto"}, "torch", "the fused kernels compute in fp32 and bf16, not in fp16"},
		{"torch, v2 in fp16", v2, Options{Device: "cpu", Precision: "fp16", Backend: "torch"}, "torch", "requested"},
		{"fused, v1 in fp16", v1, Options{Device: "cpu", Precision: "fp16", Backend: "fused"}, "",
			"on cpu: the fused kernels compute in fp32 and bf16, not in fp16; use --backend torch or auto"},
		{"unknown", v1, Options{Device: "cpu", Precision: "fp32", Backend: "fussed"}, "", `no backend is named "fussed": did you mean fused? allowed: auto, cuda, fused, torch`},
		{"unknown device", v1, Options{Device: "gpu", Precision: "fp32", Backend: "auto"}, "", "gpu"},
		{"unknown precision", v1, Options{Device: "cpu", Precision: "fp8", Backend: "auto"}, "", "fp8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				tc.options.Threads = 1
				e, err := NewMachine(s, tc.graph, tc.options)
				if tc.backend == "" {
					if err == nil || !strings.Contains(err.Error(), tc.reason) {
						t.Errorf("error %v, want %q", err, tc.reason)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if e.Name() != tc.backend || !strings.HasPrefix(e.Kernels, tc.backend) || !strings.Contains(e.Reason, tc.reason) {
					t.Errorf("backend %s, kernels %q, because: %s; want %s because: %s", e.Name(), e.Kernels, e.Reason, tc.backend, tc.reason)
				}
				if e.Place != autograd.CPU || e.Device != "cpu" || string(e.Precision) != tc.options.Precision || e.Threads != 1 || e.Capability == "" || e.Libtorch == "" {
					t.Errorf("machine %+v", e)
				}
			})
		})
	}
}

func TestOptionsCollect(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options Options
		want    []string // wrong fields
	}{
		{"right", Options{Device: "cuda:1", Precision: "auto", Backend: "torch", Threads: 4}, nil},
		{"automatic", Options{Device: "auto", Precision: "auto", Backend: "auto"}, nil},
		{"the zero value", Options{}, []string{"precision", "backend", "device"}},
		{"all wrong", Options{Device: "gpu", Precision: "fp8", Backend: "cudnn", Threads: -1}, []string{"precision", "backend", "device", "threads"}},
		{"a device's number", Options{Device: "cuda:x", Precision: "fp32", Backend: "fused", Threads: 1}, []string{"device"}},
		{"CUDA graphs", Options{Device: "cuda", Precision: "fp32", Backend: "torch", Threads: 1, CUDAGraph: "yes"}, []string{"cuda_graph"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var v validate.Collector
			tc.options.Collect(&v)
			var got []string
			if invalid, ok := errors.AsType[*validate.Error](v.Err()); ok {
				for _, f := range invalid.Fields {
					got = append(got, f.Field)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("wrong fields %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMachineText(t *testing.T) {
	e := Machine{Backend: Torch{}, Reason: "asked for", Device: "cpu", Precision: autograd.BF16, Threads: 2, Kernels: "fused avx512bf16", Capability: "AVX512", Libtorch: "2.15.0"}
	if got := e.String(); got != "cpu AVX512, bf16, 2 threads, backend fused avx512bf16, libtorch 2.15.0" {
		t.Error(got)
	}
	gpu := e
	gpu.Device, gpu.GPU = "cuda:0", "NVIDIA H200"
	if got := gpu.String(); got != "cuda:0 NVIDIA H200, bf16, 2 threads, backend fused avx512bf16, libtorch 2.15.0" {
		t.Error(got)
	}
	text, err := json.Marshal(e)
	if err != nil || string(text) != `{"device":"cpu","precision":"bf16","threads":2,"kernels":"fused avx512bf16","capability":"AVX512","libtorch":"2.15.0"}` {
		t.Errorf("%s, error %v", text, err)
	}
}

func TestMachineDifferences(t *testing.T) {
	base := Machine{Device: "cuda:0", GPU: "NVIDIA H200", Precision: autograd.BF16, Threads: 2, Kernels: "fused avx512", Capability: "AVX512", Libtorch: "2.15.0"}
	for _, tc := range []struct {
		name  string
		spoil func(*Machine)
		want  []string
	}{
		{"none", func(*Machine) {}, nil},
		{"another GPU", func(e *Machine) { e.Device = "cuda:1" }, nil},
		{"another card", func(e *Machine) { e.GPU = "NVIDIA A100" }, []string{"GPU NVIDIA A100, here NVIDIA H200"}},
		{"a checkpoint that records no card", func(e *Machine) { e.GPU = "" }, nil},
		{"device", func(e *Machine) { e.Device = "cpu" }, []string{"device cpu, here cuda (--device cpu)"}},
		{"precision", func(e *Machine) { e.Precision = autograd.FP32 }, []string{"precision fp32, here bf16 (--precision fp32)"}},
		{"threads", func(e *Machine) { e.Threads = 8 }, []string{"threads 8, here 2 (--threads 8)"}},
		{"backend", func(e *Machine) { e.Kernels = "torch" }, []string{"backend torch, here fused (--backend torch)"}},
		{"instruction set of the kernels", func(e *Machine) { e.Kernels = "fused avx2" }, []string{"backend fused avx2, here fused avx512"}},
		{"TF32", func(e *Machine) { e.TF32 = true }, []string{"--tf32 true, here false"}},
		{"deterministic", func(e *Machine) { e.NonDeterministic = true }, []string{"--deterministic false, here true"}},
		{"processor", func(e *Machine) { e.Capability, e.Libtorch = "AVX2", "2.14.0" }, []string{"instruction set AVX2, here AVX512", "libtorch 2.14.0, here 2.15.0"}},
	} {
		was := base
		tc.spoil(&was)
		if got := base.Differences(was); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// The machine computes in its precision, training and inference, and gives float32.
func TestMachineForward(t *testing.T) {
	for _, arch := range []string{"mobilenet_v1", "mobilenet_v2"} {
		g := graph(t, small(t, arch, "timm"))
		autogradtest.Run(t, func(s *autograd.Scope) {
			p := noisePixels(2, 32, 32)
			logits := map[autograd.Precision][]float32{}
			for _, precision := range []autograd.Precision{autograd.FP32, autograd.BF16} {
				e, err := NewMachine(s, g, Options{Device: "cpu", Precision: string(precision), Backend: "auto", Threads: 1})
				if err != nil {
					t.Fatal(err)
				}
				n := New(s, g, 1)
				y := e.Forward(s, n, p, autograd.Evaluation)
				if s.Err() != nil || y.DType() != autograd.Float32 {
					t.Fatalf("%s %s: logits %v, error %v", arch, precision, y, s.Err())
				}
				logits[precision] = autograd.ToSlice[float32](s, y)
				if x := e.Normalize(s, p); !slices.Equal(x.Shape(), []int64{2, 3, 32, 32}) || x.DType() != autograd.Float32 {
					t.Errorf("normalized images are %v", x)
				}
				inferred := autograd.ToSlice[float32](s, e.Inference(s, n).ForwardPixels(s, p))
				if len(inferred) != len(logits[precision]) {
					t.Errorf("%d logits in inference", len(inferred))
				}
			}
			if slices.Equal(logits[autograd.FP32], logits[autograd.BF16]) {
				t.Errorf("%s: bf16 computes in float32", arch)
			}
		})
	}
}

// TestUnknownISA: an instruction set that the environment asks for and the processor lacks is an error where the
// fused kernels would compute, and nowhere else.
func TestUnknownISA(t *testing.T) {
	const variable, value = "DEPTHWISE_ISA", "avx9"
	if os.Getenv(variable) != value { // the choice is made once in a process
		test := exec.Command(os.Args[0], "-test.run", "^TestUnknownISA$")
		test.Env = append(os.Environ(), variable+"="+value)
		if output, err := test.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	v1, v2 := graph(t, small(t, "mobilenet_v1", "paper")), graph(t, small(t, "mobilenet_v2", ""))
	for _, tc := range []struct {
		name, backend string
		graph         *models.Graph
		want          string // of the error
	}{
		{"auto", "auto", v1, "DEPTHWISE_ISA=avx9 is not available"},
		{"fused", "fused", v1, "DEPTHWISE_ISA=avx9 is not available"},
		{"torch", "torch", v1, ""},
		{"auto without the fused kernels", "auto", v2, ""},
	} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			_, err := NewMachine(s, tc.graph, Options{Backend: tc.backend, Device: "cpu", Threads: 1})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s: error %v, want %q", tc.name, err, tc.want)
			}
		})
	}
}
