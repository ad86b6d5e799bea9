package report

import (
	"math"
	"slices"
	"testing"
)

// TestLossScaleColumns: a run in float16 has its scale and the number of skipped updates, also 0, in each row.
func TestLossScaleColumns(t *testing.T) {
	columns := []string{ColumnMAP, ColumnLossScale, ColumnSkippedUpdates}
	for _, tt := range []struct {
		name string
		e    Epoch
		want []string
	}{
		{"none skipped", Epoch{LossScale: 65536, ValMAP: 0.5, ValImages: 1}, []string{"0.5", "65536", "0"}},
		{"some, without a validation", Epoch{LossScale: 0.25, SkippedUpdates: 3}, []string{"", "0.25", "3"}},
		{"not finite", Epoch{LossScale: math.Inf(1)}, []string{"", "", "0"}},
	} {
		if got := tt.e.measures(columns); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestLossScaleScalars: trackers get the scale of steps and the skipped updates of epochs, of runs in float16 only.
func TestLossScaleScalars(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    Event
		tag  string
		want float64 // -1: none
	}{
		{"a step", Step{LossScale: 1024}, "train/loss_scale", 1024},
		{"a step in another precision", Step{}, "train/loss_scale", -1},
		{"an epoch", Epoch{LossScale: 1024}, "epoch/skipped_updates", 0},
		{"an epoch with some", Epoch{LossScale: 1024, SkippedUpdates: 2, ValImages: 1}, "epoch/skipped_updates", 2},
		{"an epoch in another precision", Epoch{}, "epoch/skipped_updates", -1},
	} {
		got := -1.
		_, list := Scalars(tt.e)
		for _, s := range list {
			if s.Tag == tt.tag {
				got = s.Value
			}
		}
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
