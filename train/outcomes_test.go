package train

import (
	"errors"
	"path/filepath"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/metrics"
	"depthwise.dev/report"
)

// TestOutcomes: callbacks get what each validation made of each image, of the network that the epoch's accuracy is of, and each
// training batch.
func TestOutcomes(t *testing.T) {
	dir := testset.Images(t, 6, 4)
	for _, tc := range []struct {
		name    string
		change  func(*config.Config)
		batches int
	}{
		{"plain", func(*config.Config) {}, 9},
		{"weight average", func(c *config.Config) { c.EMADecay = 0.5 }, 9},
		{"frozen backbone", func(c *config.Config) { c.Freeze = "backbone" }, 9},
		{"cached features", func(c *config.Config) { c.Freeze, c.Augment = "backbone", "none" }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, dir)
			tc.change(&c)
			batches, validations := 0, 0
			_, events := fitBy(t, Trainer{Callbacks: []Callback{{
				BeforeBatch: func(b *data.Batch, classes []string) error {
					batches++
					if len(classes) == 0 || len(b.Pixels) != 3*32*32*b.N {
						t.Errorf("a batch of %d images with %d bytes, classes %v", b.N, len(b.Pixels), classes)
					}
					return nil
				},
				AfterValidation: func(e report.Epoch, v Validation) error {
					validations++
					checkOutcomes(t, e, v)
					return nil
				}}}}, c)
			if batches != tc.batches || validations != 3 || len(events) == 0 {
				t.Errorf("%d batches, want %d; %d validations", batches, tc.batches, validations)
			}
		})
	}
}

// checkOutcomes compares outcomes with the epoch's accuracies.
func checkOutcomes(t *testing.T, e report.Epoch, v Validation) {
	t.Helper()
	right, loss := 0, 0.0
	seen := map[int]bool{}
	for _, o := range v.Outcomes {
		if o.Correct() {
			right++
		}
		loss += o.Loss / float64(len(v.Outcomes))
		if seen[o.Sample] || v.Images.Samples[o.Sample].Class != o.Class {
			t.Errorf("sample %d twice, or of another class than %d", o.Sample, o.Class)
		}
		seen[o.Sample] = true
	}
	top1 := float64(right) / float64(len(v.Outcomes))
	plain := top1 == e.ValTop1 && loss > e.ValLoss*(1-1e-9) && loss < e.ValLoss*(1+1e-9)
	average := e.Averaged && top1 == e.EMAValTop1 && loss > e.EMAValLoss*(1-1e-9) && loss < e.EMAValLoss*(1+1e-9)
	if len(v.Outcomes) != e.ValImages || e.Averaged && e.EMAValTop1 >= e.ValTop1 && !average || !e.Averaged && !plain {
		t.Errorf("%d outcomes with top-1 %v and loss %v of %+v", len(v.Outcomes), top1, loss, e)
	}
}

// TestFailingCallbacks: an error ends the run and says where.
func TestFailingCallbacks(t *testing.T) {
	dir := testset.Images(t, 6, 4)
	failure := errors.New("no")
	for name, callback := range map[string]Callback{
		"BeforeBatch":     {BeforeBatch: func(*data.Batch, []string) error { return failure }},
		"AfterValidation": {AfterValidation: func(report.Epoch, Validation) error { return failure }},
	} {
		if _, err := (Trainer{Callbacks: []Callback{callback}}).Fit(t.Context(), small(t, dir), ignore); !errors.Is(err, failure) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestOutcomesOfMultiLabel: callbacks get the scores of the network that the epoch's mAP is of, with the images they belong to.
func TestOutcomesOfMultiLabel(t *testing.T) {
	path := testset.MultiLabelList(t, testset.Images(t, 6, 4))
	for _, tc := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"plain", func(*config.Config) {}},
		{"weight average", func(c *config.Config) { c.EMADecay = 0.5 }},
		{"cached features", func(c *config.Config) { c.Freeze, c.Augment = "backbone", "none" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, path)
			tc.change(&c)
			validations := 0
			fitBy(t, Trainer{Callbacks: []Callback{{AfterValidation: func(e report.Epoch, v Validation) error {
				validations++
				checkMultiLabel(t, e, v)
				return nil
			}}}}, c)
			if validations != 3 {
				t.Errorf("%d validations, want 3", validations)
			}
		})
	}
}

func checkMultiLabel(t *testing.T, e report.Epoch, v Validation) {
	t.Helper()
	if len(v.Samples) != e.ValImages || v.Scores.Images() != e.ValImages || len(v.Outcomes) > 0 {
		t.Fatalf("%d samples, %d images with scores, %d outcomes of %d images", len(v.Samples), v.Scores.Images(), len(v.Outcomes), e.ValImages)
	}
	want := e.ValMAP
	if e.Averaged && e.EMAValMAP >= e.ValMAP {
		want = e.EMAValMAP
	}
	if got := metrics.MeanDefined(v.Scores.AveragePrecision()); got != want {
		t.Errorf("mAP %v, want %v", got, want)
	}
	seen := map[int]bool{}
	for i, sample := range v.Samples {
		s := v.Images.Samples[sample]
		for class, name := range v.Images.Classes {
			color := filepath.Base(filepath.Dir(s.Path))
			if is := name == color || name == "warm" && color != "blue"; seen[sample] || v.Scores.Labels[i*v.Scores.Classes+class] != is {
				t.Errorf("%s: class %s is %v", s.Path, name, !is)
			}
		}
		seen[sample] = true
	}
}
