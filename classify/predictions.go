package classify

import (
	"fmt"
	"io"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/metrics"
)

// writePredictions writes a CSV file with a row for each image in the order of evaluation, see [metrics.WritePredictions].
func writePredictions(path string, e *measured) error {
	var list []metrics.Prediction
	for _, o := range e.outcomes {
		list = append(list, metrics.Prediction{Image: e.path(o), Class: e.weights.Classes[o.Class], Predicted: e.weights.Classes[o.Predicted],
			Confidence: o.Confidence, Rank: o.Rank, Loss: o.Loss})
	}
	err := atomicfile.Write(path, 0o666, func(w io.Writer) error { return metrics.WritePredictions(w, list) })
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	return nil
}
