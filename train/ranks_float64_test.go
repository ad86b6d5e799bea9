package train

import (
	"context"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
	"depthwise.dev/internal/testset"
)

// steps64 trains a MobileNet for some steps in float64, and returns its parameters and running statistics.
func steps64(ctx context.Context, s *autograd.Scope, g *distributed.Group, c config.Config, steps int64) (map[string][]float64, error) {
	r, err := Trainer{Group: g}.prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	if r.folder, err = r.openFolder(); err != nil {
		return nil, err
	}
	defer r.folder.close()
	r.recorded = map[string]bool{}
	if err := r.build(s); err != nil {
		return nil, err
	}
	r.reducer.Free()
	r.network.ToDType(s, autograd.Float64)
	if err := r.prepareTraining(s); err != nil {
		return nil, err
	}
	batches := r.loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for r.Step < steps {
		if err := r.trainStep(ctx, s, batches); err != nil {
			return nil, err
		}
	}
	state := map[string][]float64{}
	for _, t := range r.network.State() {
		state[t.Name] = autograd.ToSlice[float64](s, t.Tensor)
	}
	return state, s.Err()
}

// TestFiveStepsInFloat64: ranks with synchronized batch norm take the steps of one process with the whole batch.
func TestFiveStepsInFloat64(t *testing.T) {
	const tol = 1e-6 // of an array's largest value
	c := small(t, testset.Images(t, 16, 3))
	c.Backend, c.SyncBN, c.LR, c.Schedule, c.WarmupEpochs, c.BatchSize = "torch", true, 1e-3, "constant", 0, 8
	var want map[string][]float64
	if err := autograd.Run(t.Context(), func(s *autograd.Scope) (err error) {
		want, err = steps64(t.Context(), s, nil, c, 5)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	c.BatchSize = 4
	distributedtest.Run(t, 2, func(s *autograd.Scope, g *distributed.Group) error {
		own := c
		own.Out = c.Out + "-ranks"
		got, err := steps64(t.Context(), s, g, own, 5)
		largest := 0.
		for name, values := range want {
			d := difference(got[name], values)
			if largest = max(largest, d); err == nil && !(d <= tol) {
				t.Errorf("rank %d: %s differs by %.2g", g.Rank(), name, d)
			}
		}
		t.Logf("rank %d: largest difference %.2g", g.Rank(), largest)
		return err
	})
}
