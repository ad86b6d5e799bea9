package serving

import (
	"errors"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
)

// TestEngineOutOfMemory: memory that is used up fails one batch, with an error that names the flag, and the engine continues.
func TestEngineOutOfMemory(t *testing.T) {
	full := &autograd.OutOfMemoryError{Device: "cuda:0", Wanted: 1e9}
	first := true
	k := engine(t, EngineConfig{MaxBatch: 4, QueueLength: 4, Network: func(s *autograd.Scope) (*backend.Network, error) {
		n, err := initial(tiny(t))(s)
		if err != nil {
			return nil, err
		}
		n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, _ *autograd.Tensor) *autograd.Tensor {
			if first && l.Kind == models.KindLinear {
				first = false
				s.Fail(full)
			}
			return nil
		})
		return n, s.Err()
	}})
	_, err := k.Classify(t.Context(), picture(1, 32))
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "a tensor of 1 GB does not fit; batches of one image of 32x32 in fp32 do not fit: ") {
		t.Errorf("error %v", err)
	}
	if _, err := k.Classify(t.Context(), picture(1, 32)); err != nil {
		t.Error(err)
	}
}
