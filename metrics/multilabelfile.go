package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MultiLabelPredictions are the rows of a file of predictions of multi-label weights.
type MultiLabelPredictions struct {
	MultiLabel
	Names     []string // of the classes
	Paths     []string // of the images
	Predicted []bool   // (images, classes): which classes reached their thresholds
}

// NewMultiLabelPredictions decides by a threshold for each class.
func NewMultiLabelPredictions(m MultiLabel, names, paths []string, thresholds []float64) MultiLabelPredictions {
	p := MultiLabelPredictions{MultiLabel: m, Names: names, Paths: paths, Predicted: make([]bool, len(m.Scores))}
	for i, x := range m.Scores {
		p.Predicted[i] = Sigmoid(x) >= thresholds[i%m.Classes]
	}
	return p
}

// Measure returns the measures of the decisions in Predicted.
func (p MultiLabelPredictions) Measure() MultiLabelScores {
	return p.measure(func(i int) bool { return p.Predicted[i] })
}

// Of returns the names of the classes that an image has in a list (images, classes): Labels or Predicted.
func (p MultiLabelPredictions) Of(image int, list []bool) []string {
	var names []string
	for class, name := range p.Names {
		if list[image*p.Classes+class] {
			names = append(names, name)
		}
	}
	return names
}

// multiLabelColumns are those before the columns of the classes.
var multiLabelColumns = []string{"image", "labels", "predicted"}

// labelSeparator is between the classes of a cell.
const labelSeparator = "|"

// Write writes a CSV file with a row for each image: its path, its labels and the predicted ones separated by |, and the
// probability of each class in a column of its name.
func (p MultiLabelPredictions) Write(w io.Writer) error {
	table := csv.NewWriter(w)
	if err := table.Write(append(slices.Clone(multiLabelColumns), p.Names...)); err != nil {
		return err
	}
	for i, path := range p.Paths {
		row := []string{path, strings.Join(p.Of(i, p.Labels), labelSeparator), strings.Join(p.Of(i, p.Predicted), labelSeparator)}
		for _, x := range p.Scores[i*p.Classes : (i+1)*p.Classes] {
			row = append(row, strconv.FormatFloat(Sigmoid(x), 'g', -1, 64)) // all digits: rounded ones would be equal
		}
		if err := table.Write(row); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// ReadMultiLabelPredictions reads what [MultiLabelPredictions.Write] wrote. Scores are the logits of the probabilities: the
// same float32 except above 30, where probabilities are so near 1 that different logits may become equal.
func ReadMultiLabelPredictions(r io.Reader) (MultiLabelPredictions, error) {
	table := csv.NewReader(r)
	header, err := table.Read()
	if err != nil {
		return MultiLabelPredictions{}, fmt.Errorf("metrics: %w: %w", ErrPredictions, err)
	}
	fixed := len(multiLabelColumns)
	if len(header) <= fixed || !slices.Equal(header[:fixed], multiLabelColumns) {
		return MultiLabelPredictions{}, fmt.Errorf("metrics: %w of multi-label weights: it does not begin with the columns %s and one for each class",
			ErrPredictions, strings.Join(multiLabelColumns, ", "))
	}
	p := MultiLabelPredictions{Names: header[fixed:]}
	p.Classes = len(p.Names)
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err == nil {
			err = p.add(row)
		}
		if err != nil {
			line, _ := table.FieldPos(0)
			return MultiLabelPredictions{}, fmt.Errorf("metrics: %w: line %d: %w", ErrPredictions, line, err)
		}
	}
}

// add appends an image from its row.
func (p *MultiLabelPredictions) add(row []string) error {
	labels, err := classesOf(row[1], p.Names)
	if err != nil {
		return err
	}
	predicted, err := classesOf(row[2], p.Names)
	if err != nil {
		return err
	}
	p.Paths, p.Labels, p.Predicted = append(p.Paths, row[0]), append(p.Labels, labels...), append(p.Predicted, predicted...)
	for _, cell := range row[len(multiLabelColumns):] {
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return err
		}
		if v < 0 || v > 1 {
			return fmt.Errorf("%v is not a probability", v)
		}
		p.Scores = append(p.Scores, float32(math.Log(v)-math.Log1p(-v)))
	}
	return nil
}

// classesOf reports which classes a cell lists. Names may contain the separator: the longest name that fits counts.
func classesOf(cell string, names []string) ([]bool, error) {
	has := make([]bool, len(names))
	for rest, more := cell, cell != ""; more; {
		found := -1
		for i, name := range names {
			if (rest == name || strings.HasPrefix(rest, name+labelSeparator)) && (found < 0 || len(name) > len(names[found])) {
				found = i
			}
		}
		if found < 0 {
			return nil, fmt.Errorf("%q names a class that has no column", cell)
		}
		has[found] = true
		more = len(rest) > len(names[found])
		rest = strings.TrimPrefix(rest[len(names[found]):], labelSeparator)
	}
	return has, nil
}
