package config

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/data"
	"depthwise.dev/internal/suggest"
)

// classWeight is a line of a file of class weights.
type classWeight struct {
	class  string
	weight string
	line   int
}

// maxWeightsFile is the maximum size of a file of class weights: a line for each of ImageNet-22k's classes has 1 MB.
const maxWeightsFile = 16 << 20

// readClassWeights reads the weights of classes from a CSV file, class and weight in each line or in columns of these
// names, or from a YAML file, a mapping of classes to weights. Names match as those of folders do.
func readClassWeights(path string, classes []string) ([]float64, error) {
	text, err := readText(path, maxWeightsFile, "it is no file of class weights")
	if err != nil {
		return nil, fmt.Errorf("class weights: %w", err)
	}
	weights, err := parseClassWeights(path, text, classes)
	if err != nil {
		return nil, fmt.Errorf("class weights: %s: %w", path, err)
	}
	return weights, nil
}

func parseClassWeights(path string, text []byte, classes []string) ([]float64, error) {
	parse := yamlWeights
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		parse = csvWeights
	}
	lines, err := parse(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) // the byte order mark that spreadsheets write
	if err != nil {
		return nil, err
	}
	return weightsInOrder(lines, classes)
}

// weightsInOrder returns the weights in the order of the classes. Every class needs one weight.
func weightsInOrder(lines []classWeight, classes []string) ([]float64, error) {
	listed := &data.Dataset{}
	for i, l := range lines {
		listed.Classes = append(listed.Classes, l.class)
		listed.Samples = append(listed.Samples, data.Sample{Path: strconv.Itoa(i), Class: i})
	}
	matched, unknown, missing := listed.Match(classes)
	if len(unknown) > 0 {
		line := lines[slices.IndexFunc(lines, func(l classWeight) bool { return l.class == unknown[0] })].line
		return nil, fmt.Errorf("line %d: the data has no class %q%s", line, unknown[0], closest(unknown[0], classes))
	}
	weights, from := make([]float64, len(classes)), make([]int, len(classes))
	for i, s := range matched.Samples {
		l := lines[i]
		if from[s.Class] > 0 {
			return nil, fmt.Errorf("line %d: class %q is set twice, first in line %d", l.line, l.class, from[s.Class])
		}
		weight, err := strconv.ParseFloat(l.weight, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: the weight %q of class %q must be a number such as 2.5", l.line, l.weight, l.class)
		}
		if err := checkClassWeight(weight); err != nil {
			return nil, fmt.Errorf("line %d: the weight %q of class %q %w", l.line, l.weight, l.class, err)
		}
		weights[s.Class], from[s.Class] = weight, l.line
	}
	if n := len(missing); n > 0 {
		return nil, fmt.Errorf("no weight for %d of the %d classes of the data, such as %q: list every class, with 1 for no change", n, len(classes), missing[0])
	}
	return weights, nil
}

func closest(name string, classes []string) string {
	if c := suggest.Closest(name, classes); c != "" {
		return fmt.Sprintf("; did you mean %q?", c)
	}
	return ""
}

// errWeightColumns describes a CSV file of class weights.
var errWeightColumns = errors.New("must have a class and a weight in each line, such as cat,2.5, or columns named class and weight")

// csvWeights reads lines of a class and a weight, or the columns class and weight of a table with a header.
func csvWeights(text []byte) ([]classWeight, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace = 0, true // every line has as many fields as the first
	class, weight, columns := 0, 1, 2
	var list []classWeight
	for first := true; ; first = false {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: it %w", err, errWeightColumns)
		}
		if c, w := column(fields, "class"), column(fields, "weight"); first && c >= 0 && w >= 0 {
			class, weight, columns = c, w, len(fields)
			continue
		}
		line, _ := r.FieldPos(0)
		if len(fields) != columns {
			return nil, fmt.Errorf("line %d %w", line, errWeightColumns)
		}
		list = append(list, classWeight{class: fields[class], weight: strings.TrimSpace(fields[weight]), line: line})
	}
}

// column returns the index of a column of a header, -1 if it has none of this name.
func column(header []string, name string) int {
	return slices.IndexFunc(header, func(field string) bool { return strings.EqualFold(strings.TrimSpace(field), name) })
}

// yamlWeights reads a mapping of classes to weights.
func yamlWeights(text []byte) ([]classWeight, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("must be a mapping of classes to weights, such as `cat: 2.5` in each line")
	}
	var list []classWeight
	top := doc.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		list = append(list, classWeight{class: top[i].Value, weight: top[i+1].Value, line: top[i].Line})
	}
	return list, nil
}
