package weights

import (
	"encoding/json"
	"fmt"
)

// Metadata entries of weights whose classes are independent of each other.
const (
	// MetaTask is what the logits mean. Without it an image has one class, and softmax makes probabilities of them.
	MetaTask = "task"
	// MetaThresholds are the probabilities from which on each class is predicted, a JSON list in the order of the logits.
	MetaThresholds = "thresholds"
)

// TaskMultiLabel is the value of [MetaTask] of weights that say of each class whether an image has it: sigmoid makes
// probabilities of the logits.
const TaskMultiLabel = "multi_label"

// MultiLabel reports whether an image may have any number of the classes, see [TaskMultiLabel].
func (w Weights) MultiLabel() bool { return w.Meta[MetaTask] == TaskMultiLabel }

// DefaultThreshold is the probability from which on a class without a threshold of its own is predicted.
const DefaultThreshold = 0.5

// Thresholds returns the thresholds of the classes of multi-label weights; found is false, and all are [DefaultThreshold],
// if none are recorded.
func (w Weights) Thresholds() (thresholds []float64, found bool, err error) {
	recorded, err := recorded[[]float64](w.Meta, MetaThresholds)
	if err != nil {
		return nil, false, err
	}
	if recorded == nil {
		thresholds = make([]float64, len(w.Classes))
		for i := range thresholds {
			thresholds[i] = DefaultThreshold
		}
		return thresholds, false, nil
	}
	if len(*recorded) != len(w.Classes) {
		return nil, false, fmt.Errorf("weights: metadata %q has %d values for %d classes", MetaThresholds, len(*recorded), len(w.Classes))
	}
	for _, t := range *recorded {
		if !(t >= 0 && t <= 1) {
			return nil, false, fmt.Errorf("weights: metadata %q holds %v; must be probabilities from 0 to 1", MetaThresholds, t)
		}
	}
	return *recorded, true, nil
}

// SetThresholds records what [Weights.Thresholds] returns.
func (w *Weights) SetThresholds(thresholds []float64) error {
	text, err := json.Marshal(thresholds)
	if err != nil {
		return fmt.Errorf("weights: metadata %q: %w", MetaThresholds, err)
	}
	if w.Meta == nil {
		w.Meta = map[string]string{}
	}
	w.Meta[MetaThresholds] = string(text)
	return nil
}

// checkTask refuses weights of a task that this program does not know.
func (w Weights) checkTask() error {
	if task, ok := w.Meta[MetaTask]; ok && task != TaskMultiLabel {
		return fmt.Errorf("its metadata %q is %q, which this version does not know; use a newer one", MetaTask, task)
	}
	return nil
}
