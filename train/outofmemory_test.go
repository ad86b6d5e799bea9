package train

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
)

// TestOutOfMemory: memory that is used up in a step is an error that says what needs less. No checkpoint is lost: the run continues
// from its last one with the same results.
func TestOutOfMemory(t *testing.T) {
	dir := testset.Images(t, 6, 2) // 18 images: 3 steps an epoch
	want := outcome(t, fit(t, small(t, dir)))

	full := &autograd.OutOfMemoryError{Device: "cuda:0", Wanted: 1e9, Free: 1e8, Total: 80e9, Own: 79.8e9}
	step := 0
	trainer := Trainer{Callbacks: []Callback{{BeforeBatch: func(*data.Batch, []string) error {
		if step++; step == 5 {
			return fmt.Errorf("autograd: conv(): %w", full)
		}
		return nil
	}}}}
	c := small(t, dir)
	_, err := trainer.Fit(t.Context(), c, ignore)
	wantMemoryError(t, err, full, "cuda:0: a tensor of 1 GB does not fit, 100 MB of 80 GB are free", "batches of 8 images of 32x32 in fp32 do not fit: use a smaller --batch-size, --resolution or --width")

	step = 4 // the first one fails
	c.Resume = "auto"
	_, err = trainer.Fit(t.Context(), c, ignore)
	wantMemoryError(t, err, full, "a run continues with its own settings: free memory, or start a new one with --init")

	if got := outcome(t, fit(t, c)); !reflect.DeepEqual(got, want) {
		t.Errorf("after the errors the run ends with %+v, want %+v", got, want)
	}
}

func wantMemoryError(t *testing.T, err error, cause error, parts ...string) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Fatalf("error %v, want %v", err, cause)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}
