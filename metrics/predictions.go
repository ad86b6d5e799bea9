package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Prediction is a row of a file of predictions: what a network made of one image.
type Prediction struct {
	Image      string // its path
	Class      string // of the image
	Predicted  string
	Confidence float64 // probability of the predicted class
	Rank       int     // place of the image's class among all, from 1
	Loss       float64 // cross entropy
}

// Correct reports whether the image's class was predicted.
func (p Prediction) Correct() bool { return p.Rank == 1 }

// predictionColumns are those of the file.
var predictionColumns = []string{"image", "class", "predicted", "correct", "confidence", "rank", "loss"}

// WritePredictions writes predictions as CSV: a header and a row for each image, with its path, its class and the predicted one by
// name, whether they are the same, the probability of the predicted class, the place of the image's class among all and its cross
// entropy. Numbers have six digits.
func WritePredictions(w io.Writer, list []Prediction) error {
	table := csv.NewWriter(w)
	rows := [][]string{predictionColumns}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, p := range list {
		rows = append(rows, []string{p.Image, p.Class, p.Predicted, strconv.FormatBool(p.Correct()), number(p.Confidence), strconv.Itoa(p.Rank), number(p.Loss)})
	}
	return table.WriteAll(rows)
}

// ErrPredictions is returned for a file that is not one of predictions.
var ErrPredictions = errors.New("not a file of predictions")

// ReadPredictions reads what [WritePredictions] wrote. Further columns are ignored.
func ReadPredictions(r io.Reader) ([]Prediction, error) {
	table := csv.NewReader(r)
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w: %w", ErrPredictions, err)
	}
	at := map[string]int{}
	for _, name := range predictionColumns {
		i := slices.Index(header, name)
		if i < 0 {
			return nil, fmt.Errorf("metrics: %w: it lacks the column %q", ErrPredictions, name)
		}
		at[name] = i
	}
	var list []Prediction
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("metrics: %w: %w", ErrPredictions, err)
		}
		p := Prediction{Image: row[at["image"]], Class: row[at["class"]], Predicted: row[at["predicted"]]}
		var errs [3]error
		p.Confidence, errs[0] = strconv.ParseFloat(row[at["confidence"]], 64)
		p.Rank, errs[1] = strconv.Atoi(row[at["rank"]])
		p.Loss, errs[2] = strconv.ParseFloat(row[at["loss"]], 64)
		if err := errors.Join(errs[:]...); err != nil {
			line, _ := table.FieldPos(0)
			return nil, fmt.Errorf("metrics: %w: line %d: %w", ErrPredictions, line, err)
		}
		list = append(list, p)
	}
}

// Summary holds the measures of predictions.
type Summary struct {
	Classes          []string // names, in the order of the matrix
	Images           int
	Top1, Top5, Loss float64
	BalancedAccuracy float64
	Confusion        Confusion
	Scores           []ClassScore // of each class
	Average          Average
	ECE              float64
	Bins             []Bin
	Top1Interval     Interval
}

// Summarize computes the measures of predictions over classes. A class that a prediction names and that is not in the list is
// added at its end.
func Summarize(classes []string, list []Prediction) Summary {
	s := Summary{Classes: slices.Clone(classes), Images: len(list)}
	index := map[string]int{}
	for i, name := range s.Classes {
		index[name] = i
	}
	number := func(name string) int {
		i, ok := index[name]
		if !ok {
			i = len(s.Classes)
			index[name] = i
			s.Classes = append(s.Classes, name)
		}
		return i
	}
	confidence, correct := make([]float64, len(list)), make([]bool, len(list))
	for i, p := range list {
		number(p.Class)
		number(p.Predicted)
		confidence[i], correct[i] = p.Confidence, p.Correct()
		if p.Rank <= 1 {
			s.Top1++
		}
		if p.Rank <= 5 {
			s.Top5++
		}
		s.Loss += p.Loss
	}
	n := float64(max(len(list), 1))
	s.Top1, s.Top5, s.Loss = s.Top1/n, s.Top5/n, s.Loss/n
	s.Confusion = NewConfusion(len(s.Classes))
	for _, p := range list {
		s.Confusion[index[p.Class]][index[p.Predicted]]++
	}
	s.Scores, s.Average, s.BalancedAccuracy = s.Confusion.Classes(), s.Confusion.Averages(), s.Confusion.BalancedAccuracy()
	s.ECE, s.Bins = ECE(confidence, correct)
	s.Top1Interval = s.bootstrap(correct)
	return s
}

func (s Summary) bootstrap(correct []bool) Interval {
	return Bootstrap(len(correct), func(sample []int) float64 {
		hits := 0
		for _, i := range sample {
			if correct[i] {
				hits++
			}
		}
		return float64(hits) / float64(len(correct))
	})
}
