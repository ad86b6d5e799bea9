package backend

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/autograd"
)

func TestMemoryError(t *testing.T) {
	g := graph(t, small(t, "mobilenet_v1", "timm"))
	size := fmt.Sprintf("%dx%d", g.Input.Height, g.Input.Width)
	gpu := &autograd.OutOfMemoryError{Device: "cuda:0", Wanted: 1e9, Free: 5e8, Total: 80e9, Own: 79e9}
	shared := &autograd.OutOfMemoryError{Device: "cuda:0", Wanted: 1e9, Free: 5e8, Total: 80e9, Own: 1e9}
	training := []string{"--batch-size", "--resolution", "--width"}
	other := errors.New("another")
	tests := []struct {
		name   string
		err    error
		m      Machine
		images int
		flags  []string
		want   string // end of the message
	}{
		{"training", gpu, Machine{Device: "cuda:0", Precision: autograd.BF16}, 256, training,
			"; batches of 256 images of " + size + " in bf16 do not fit: use a smaller --batch-size, --resolution or --width"},
		{"training in fp32", gpu, Machine{Device: "cuda:0", Precision: autograd.FP32}, 256, training,
			" in fp32 do not fit: use a smaller --batch-size, --resolution or --width, or use --precision bf16"},
		{"training in fp16", gpu, Machine{Device: "cuda:0", Precision: autograd.FP16}, 256, training,
			" in fp16 do not fit: use a smaller --batch-size, --resolution or --width"},
		{"evaluation", gpu, Machine{Device: "cuda:0", Precision: autograd.BF16}, 32, training[:1], "do not fit: use a smaller --batch-size"},
		{"single images", gpu, Machine{Device: "cuda:0", Precision: autograd.BF16}, 1, training, "do not fit: use a smaller --resolution or --width"},
		{"prediction of single images", gpu, Machine{Device: "cuda:0", Precision: autograd.BF16}, 1, training[:1], "do not fit: use a smaller network, or a machine with more memory"},
		{"a GPU that others fill", shared, Machine{Device: "cuda:0", Precision: autograd.BF16}, 8, training[:1], "do not fit: use a smaller --batch-size, or end the other processes"},
		{"a GPU that was full before", &autograd.OutOfMemoryError{}, Machine{Device: "cuda:0", Precision: autograd.BF16}, 8, training[:1],
			"do not fit: use a smaller --batch-size, or end other processes on the GPU, which nvidia-smi lists"},
		{"another error", other, Machine{}, 8, training, "another"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.m.MemoryError(fmt.Errorf("train: %w", tt.err), g, tt.images, tt.flags...)
			if !errors.Is(got, tt.err) || !strings.HasSuffix(got.Error(), tt.want) {
				t.Errorf("%q, want an end %q", got, tt.want)
			}
		})
	}
	if got := (Machine{}).MemoryError(nil, nil, 1); got != nil {
		t.Errorf("%v of no error", got)
	}
}
