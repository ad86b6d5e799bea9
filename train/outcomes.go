package train

import (
	"fmt"

	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/metrics"
	"depthwise.dev/report"
)

// Validation is what a validation made of each image: the outcomes of the network or, where the epoch's accuracy is that of a
// weight average, of this average. Outcomes are in the order of evaluation; their samples are indices into Images.Samples.
// Of multi-label data, which have no outcomes, Scores has the logits and labels of the images and Samples the images' indices.
type Validation struct {
	Images   *data.Dataset
	Outcomes []classify.Outcome
	Scores   metrics.MultiLabel
	Samples  []int
	Network  int // the one of the validated networks that these are of
}

// outcomes collects the outcomes of each network of a validation, if a callback wants them.
type outcomes [][]classify.Outcome

// collect returns the function that a validation gives outcomes to, nil if no callback wants them or images have
// several classes: their scores hold everything.
func (r *run) collect(list *outcomes, networks int) func(network int, o classify.Outcome, logits []float32) {
	var each []func(network int, o classify.Outcome, logits []float32)
	for _, c := range r.trainer.Callbacks {
		if c.AfterValidation != nil {
			*list = make(outcomes, networks)
		}
		if c.Validated != nil {
			each = append(each, c.Validated)
		}
	}
	if r.multiLabel() || *list == nil && each == nil {
		return nil // an outcome has one class
	}
	return func(network int, o classify.Outcome, logits []float32) {
		if *list != nil {
			(*list)[network] = append((*list)[network], o)
		}
		for _, f := range each {
			f(network, o, logits)
		}
	}
}

// afterValidation calls the callbacks with the outcomes of one of the validated networks.
func (r *run) afterValidation(e report.Epoch, list outcomes, scores []classify.Score, network int) error {
	v := Validation{Images: r.images.val, Network: network}
	if list != nil {
		v.Outcomes = list[network]
	}
	v.Scores, v.Samples = scores[network].MultiLabel()
	for _, c := range r.trainer.Callbacks {
		if c.AfterValidation == nil {
			continue
		}
		if err := r.stopped(c.AfterValidation(e, v)); err != nil {
			return fmt.Errorf("train: epoch %d: callback: %w", e.Epoch, err)
		}
	}
	return nil
}

// beforeBatch calls the callbacks with a training batch.
func (r *run) beforeBatch(b *data.Batch) error {
	if b.Pixels == nil {
		return nil // features of a frozen backbone
	}
	for _, c := range r.trainer.Callbacks {
		if c.BeforeBatch == nil {
			continue
		}
		if err := r.stopped(c.BeforeBatch(b, r.images.train.Classes)); err != nil {
			return fmt.Errorf("train: epoch %d step %d: callback: %w", r.Epoch+1, r.Step+1, err)
		}
	}
	return nil
}
