package train

import (
	"context"
	"fmt"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/testset"
)

// writeShards writes pictures as shards of 7 images.
func writeShards(t *testing.T, train, val int) string {
	t.Helper()
	trainSet, valSet, err := datasets.Open(testset.Images(t, train, val), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := shards.Write(context.Background(), dir, trainSet, valSet, shards.Options{PerShard: 7}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestResumeIsExactOnShards: as on folders, read at random and as a stream.
func TestResumeIsExactOnShards(t *testing.T) {
	dir := writeShards(t, 14, 3) // batches of 8, 8, 8, 8, 8 and 2
	for _, buffer := range []int{0, 10} {
		t.Run(fmt.Sprintf("buffer %d", buffer), func(t *testing.T) {
			config := small(t, dir)
			config.ShuffleBuffer = buffer
			want := outcome(t, fit(t, config))
			config.Workers = 3
			t.Run("interrupted", func(t *testing.T) { checkOutcome(t, outcome(t, interrupted(t, Trainer{}, config)), want) })
			if buffer == 0 {
				return
			}
			t.Run("killed", func(t *testing.T) { checkOutcome(t, outcome(t, killed(t, config, 3, false)), want) })
		})
	}
}

func TestShardsAreEvaluated(t *testing.T) {
	dir := writeShards(t, 6, 4)
	config := small(t, dir)
	config.Epochs = 1
	result := fit(t, config)
	got, err := classify.Evaluate(context.Background(), classify.EvalConfig{Weights: result.Dir, Data: dir, BatchSize: 5, Options: backend.Options{Device: "cpu", Threads: 1}})
	if err != nil || got.Images != 12 || got.Top1 != result.BestTop1 {
		t.Errorf("%+v, %v; want 12 images and top-1 %v", got, err, result.BestTop1)
	}
}
