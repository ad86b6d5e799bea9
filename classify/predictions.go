package classify

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"depthwise.dev/internal/atomicfile"
)

// predictionColumns are those of the file of predictions.
var predictionColumns = []string{"image", "class", "predicted", "correct", "confidence", "rank", "loss"}

// writePredictions writes a CSV file with a row for each image in the order of evaluation: its path, its class and the predicted one by
// name, whether they are the same, the probability of the predicted class, the place of the image's class among all and its
// cross entropy.
func writePredictions(path string, e *measured) error {
	err := atomicfile.Write(path, 0o666, func(w io.Writer) error {
		table := csv.NewWriter(w)
		rows := [][]string{predictionColumns}
		for _, o := range e.outcomes {
			rows = append(rows, []string{e.path(o), e.weights.Classes[o.Class], e.weights.Classes[o.Predicted], strconv.FormatBool(o.Correct()),
				number(o.Confidence), strconv.Itoa(o.Rank), number(o.Loss)})
		}
		return table.WriteAll(rows)
	})
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	return nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
