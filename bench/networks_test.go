package bench

import (
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/models/mobilenet"
)

// small is the configuration of a small network.
func small(t *testing.T, arch string) config.Config {
	t.Helper()
	c := config.Default()
	m, err := mobilenet.Default(arch, "")
	if err != nil {
		t.Fatal(err)
	}
	c.Model = m
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 10
	c.BatchSize, c.Threads, c.Precision = 4, 1, "fp32"
	return c
}

// TestMobileNetV2: "auto" measures it on libtorch, in training and in inference.
func TestMobileNetV2(t *testing.T) {
	c := small(t, "mobilenet_v2")
	step, err := Step(t.Context(), c, Steps{Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	infer, err := Infer(t.Context(), c, Steps{Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, speed := range map[string]ComputeSpeed{"step": step.ComputeSpeed, "infer": infer.ComputeSpeed} {
		if !(speed.StepMS > 0) {
			t.Errorf("%s: %v ms", name, speed.StepMS)
		}
		speed.Timing, speed.PeakRSSMB = Timing{}, 0
		want := ComputeSpeed{Arch: "mobilenet_v2", Variant: "torchvision", Batch: 4, Resolution: 32, Width: 0.25,
			Precision: "fp32", Kernels: "torch", Threads: 1, Device: "cpu"}
		if speed != want {
			t.Errorf("%s: %+v, want %+v", name, speed, want)
		}
	}
	if !(step.ImagesPerSecond > 0) || !(infer.ImagesPerSecond > 0) {
		t.Errorf("%v and %v images per second", step.ImagesPerSecond, infer.ImagesPerSecond)
	}
}

// TestLayersOfMobileNetV2: the fused kernels lack residual connections, so that a table of layers is an
// error that says what to use instead.
func TestLayersOfMobileNetV2(t *testing.T) {
	for _, tc := range []struct {
		backend string
		want    []string
	}{
		{"auto", []string{"--layers needs the fused kernels, which cannot compute mobilenet_v2 torchvision",
			"leave out --layers, or use --arch mobilenet_v1"}},
		{"torch", []string{"which cannot compute mobilenet_v2", "leave out --layers, or use --arch mobilenet_v1"}},
		{"fused", []string{"--backend fused cannot compute mobilenet_v2", "use --backend torch or auto"}},
	} {
		t.Run(tc.backend, func(t *testing.T) {
			c := small(t, "mobilenet_v2")
			c.Backend = tc.backend
			_, step := StepLayers(t.Context(), c, Steps{Count: 1})
			_, infer := InferLayers(t.Context(), c, Steps{Count: 1})
			for _, err := range []error{step, infer} {
				for _, want := range tc.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("error %v, want %q", err, want)
					}
				}
			}
		})
	}
}

// TestLayersInFP16: the fused kernels do not compute in it, and the advice does not name them.
func TestLayersInFP16(t *testing.T) {
	c := small(t, "mobilenet_v1")
	c.Precision = "fp16"
	_, step := StepLayers(t.Context(), c, Steps{Count: 1})
	_, infer := InferLayers(t.Context(), c, Steps{Count: 1})
	for _, err := range []error{step, infer} {
		if err == nil || !strings.HasSuffix(err.Error(), "not in fp16; leave out --layers, or use --precision fp32 or bf16") {
			t.Errorf("error %v", err)
		}
	}
}

// TestSpeedInFP16: steps with a scaled loss and inference are measured.
func TestSpeedInFP16(t *testing.T) {
	c := small(t, "mobilenet_v1")
	c.Precision = "fp16"
	step, err := Step(t.Context(), c, Steps{Count: 1})
	if err != nil || step.Precision != "fp16" || !(step.ImagesPerSecond > 0) {
		t.Errorf("%+v, error %v", step, err)
	}
	infer, err := Infer(t.Context(), c, Steps{Count: 1})
	if err != nil || infer.Precision != "fp16" || !(infer.ImagesPerSecond > 0) {
		t.Errorf("%+v, error %v", infer, err)
	}
}

// TestLayersWithDropout: dropout has no row of its own, because the head's time includes it.
func TestLayersWithDropout(t *testing.T) {
	c := small(t, "mobilenet_v1")
	c.Model.Dropout, c.Backend = 0.2, "fused"
	step, err := StepLayers(t.Context(), c, Steps{Count: 1})
	if err != nil || len(step.Layers) != 35 {
		t.Errorf("step: %d rows, error %v", len(step.Layers), err)
	}
	infer, err := InferLayers(t.Context(), c, Steps{Count: 1})
	if err != nil || len(infer.Layers) != 32 {
		t.Errorf("inference: %d rows, error %v", len(infer.Layers), err)
	}
}
