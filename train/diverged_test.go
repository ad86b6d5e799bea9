package train

import (
	"math"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestDivergedLoss: an epoch diverges where the validation loss is far above those of training and of guessing, and where that of
// training is above that of guessing. Of several networks the best counts. The loss of guessing of 20 classes is 3.
func TestDivergedLoss(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	val := func(train, loss float64) report.Epoch {
		return report.Epoch{TrainLoss: train, ValLoss: loss, ValImages: 10}
	}
	with := func(e report.Epoch, set func(*report.Epoch)) report.Epoch { set(&e); return e }
	for _, c := range []struct {
		name  string
		epoch report.Epoch
		set   func(*run)
		want  string // a part; "": it did not diverge
	}{
		{"learning", val(2, 2.5), nil, ""},
		{"overfitting: confidently wrong", val(0.1, 8.9), nil, ""},
		{"statistics that do not fit", val(2, 217), nil, "the validation loss is 217, that of training 2, that of guessing 3: batch norm's running statistics"},
		{"beyond large numbers", val(2, 216933.7), nil, "2.169e+05"},
		{"NaN", val(2, nan), nil, "the validation loss is not finite: batch norm's"},
		{"infinite", val(2, inf), nil, "is not finite"},
		{"no validation", report.Epoch{TrainLoss: 2, ValLoss: nan}, nil, ""},
		{"a moving average that is right", with(val(2, nan), func(e *report.Epoch) { e.Averaged, e.EMAValLoss = true, 2 }), nil, ""},
		{"a moving average that is wrong too", with(val(2, nan), func(e *report.Epoch) { e.Averaged, e.EMAValLoss = true, 99 }), nil, "is 99, that"},
		{"an average of the last epochs that is right", with(val(2, 60), func(e *report.Epoch) { e.SWAEpochs, e.SWAValLoss = 3, 2 }), nil, ""},
		{"training", val(4, 4), nil, "the training loss is 4, that of guessing 3: the learning rate is too high; try --lr 0.005"},
		{"both, where training does not learn", val(60, 100), nil, "the training loss is 60"},
		{"training with class weights, which change its loss", val(4, 4), func(r *run) { r.classWeights = make([]float64, 20) }, ""},
		{"training at the first steps", val(3.1, 3), nil, ""},
		{"weights to start from", val(2, 217), func(r *run) { r.config.Init = "imagenet" }, "otherwise a lower --lr such as 0.01 (docs"},
		{"none to start from", val(2, 217), nil, "otherwise a lower --lr such as 0.01, or --init with trained weights (docs"},
		{"multi-label, where guessing has the logarithm of 2", val(0.5, 2.2), func(r *run) { r.images.train.MultiLabel = true }, "that of guessing 0.693"},
		{"one class", val(0.5, 2), func(r *run) { r.images.train.Classes = []string{"a"} }, ""},
	} {
		r := &run{config: config.Default(), images: images{train: &data.Dataset{Classes: make([]string, 20)}}}
		if c.set != nil {
			c.set(r)
		}
		if got := r.divergedLoss(c.epoch); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWarnDivergence: three such epochs in a row are warned of the first time, and the last epoch of a run in any case.
func TestWarnDivergence(t *testing.T) {
	for _, c := range []struct {
		name   string
		losses []float64 // of the validation of each epoch
		want   []string
	}{
		{"none", []float64{3, 3, 3}, nil},
		{"two in a row, and one", []float64{99, 99, 3, 99, 3}, nil},
		{"as long as it lasts", []float64{99, 99, 99, 99, 3}, []string{"epoch 3: for 3 epochs in a row: the validation loss is 99"}},
		{"twice", []float64{99, 99, 99, 3, 99, 99, 99, 3}, []string{"epoch 3: for 3"}},
		{"the last epoch", []float64{3, 3, 99}, []string{"epoch 3, the last one: the validation loss is 99"}},
		{"to the end", []float64{99, 99, 99, 99}, []string{"epoch 3: for 3", "epoch 4, the last one: "}},
	} {
		var got []string
		r := &run{config: config.Default(), images: images{train: &data.Dataset{Classes: make([]string, 20)}}}
		r.recorder = report.Multi{recorderFunc(func(e report.Event) error {
			if n := e.(report.Note); n.Level == report.Warning {
				got = append(got, n.Text)
			}
			return nil
		})}
		for i, loss := range c.losses {
			r.Done = i == len(c.losses)-1
			if err := r.warnDivergence(report.Epoch{Epoch: i + 1, TrainLoss: 2, ValLoss: loss, ValImages: 10}); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: %q, want %q", c.name, got[i], want)
			}
		}
	}
}

// TestDivergedRun: a run whose learning rate is far too high says so.
func TestDivergedRun(t *testing.T) {
	c := small(t, testset.Images(t, 14, 6))
	c.LR, c.Schedule, c.Epochs = 3, "constant", 4
	_, events := fitBy(t, Trainer{}, c)
	for _, e := range events {
		if n, ok := e.(report.Note); ok && n.Level == report.Warning && strings.Contains(n.Text, "that of guessing") {
			return
		}
	}
	t.Errorf("no warning in %v", events)
}
