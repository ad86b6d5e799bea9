package classify

import (
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// writeCalibrated writes weights whose logits are divided by a temperature. The division is part of the last layer's weight
// and bias, so that every program that uses the weights, and every export, has calibrated probabilities.
func writeCalibrated(path string, w weights.Weights, temperature float64) error {
	last := w.Graph.Layers[len(w.Graph.Layers)-1]
	if last.Kind != models.KindLinear || last.Activation != nil {
		return fmt.Errorf("classify: %s: the last layer, %q, is not linear: its logits cannot be divided by a temperature", path, last.Name)
	}
	w = w.Derived()
	before, err := previousTemperature(w)
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	w.Meta[weights.MetaTemperature] = strconv.FormatFloat(before*temperature, 'g', -1, 64)
	arrays := make([]checkpoints.Array, len(w.Arrays))
	for i, a := range w.Arrays {
		arrays[i] = a
		if a.Name != last.Name+".weight" && a.Name != last.Name+".bias" {
			continue
		}
		values, err := checkpoints.Values[float32](a)
		if err != nil {
			return fmt.Errorf("classify: %w", err)
		}
		scaled := make([]float32, len(values))
		for k, v := range values {
			scaled[k] = float32(float64(v) / temperature)
		}
		if arrays[i], err = checkpoints.NewArray(a.Name, scaled, a.Data.Shape()...); err != nil {
			return fmt.Errorf("classify: %w", err)
		}
	}
	w.Arrays = arrays
	return w.Write(path)
}

// checkFinite refuses logits that no temperature calibrates.
func (e *measured) checkFinite() error {
	classes := len(e.weights.Classes)
	for i, v := range e.logits {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("classify: the weights cannot be calibrated: the logit of %s for %s is %v", data.ShowName(e.weights.Classes[i%classes]), data.ShowName(e.path(e.outcomes[i/classes])), v)
		}
	}
	return nil
}

// previousTemperature is that of weights which are calibrated already, else 1.
func previousTemperature(w weights.Weights) (float64, error) {
	text, ok := w.Meta[weights.MetaTemperature]
	if !ok {
		return 1, nil
	}
	t, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("metadata %q is %q; must be a number", weights.MetaTemperature, text)
	}
	return t, nil
}
