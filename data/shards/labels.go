package shards

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// maxClasses bounds the class numbers of shards without a list of names.
const maxClasses = 1 << 20

// errNoImages is returned, wrapped, for shards that cannot be a data set.
var errNoImages = errors.New("no image with a class")

// dataset returns the data set of indexed shards. classes are the names of the class numbers; without
// them the numbers are the names, or the labels are names.
func dataset(root string, indices []*shardIndex, classes []string, open func(*shardIndex) data.Container) (*data.Dataset, error) {
	d := &data.Dataset{Root: root}
	table, err := newLabelTable(indices, classes)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", root, err)
	}
	d.Classes = table.classes
	total := 0
	for _, x := range indices {
		total += len(x.Keys)
	}
	d.Samples = make([]data.Sample, 0, total)
	for _, x := range indices {
		for _, p := range x.Problems {
			d.Problems = append(d.Problems, data.Problem{Path: JoinPath(root, p.Path), Reason: p.Reason})
		}
		in, path := open(x), JoinPath(root, x.Name)
		for i, key := range x.Keys {
			s := data.Sample{Path: path + "/" + key + "." + x.Exts[i], Part: data.Part{In: in, Offset: x.Offsets[i], Size: x.Sizes[i]}}
			class, ok := table.class(x.Labels[i])
			if !ok {
				d.Problems = append(d.Problems, data.Problem{Path: s.Path, Reason: fmt.Sprintf("its class %q is not among the %d classes", x.Labels[i], len(d.Classes))})
				continue
			}
			s.Class = class
			d.Samples = append(d.Samples, s)
		}
	}
	if len(d.Samples) == 0 {
		return nil, fmt.Errorf("data: %s: its %d shards contain %w: %s", root, len(indices), errNoImages, firstProblem(d.Problems))
	}
	d.Problems = append(d.Problems, emptyClasses(d)...)
	return d, nil
}

func firstProblem(problems []data.Problem) string {
	if len(problems) == 0 {
		return "they are empty"
	}
	return problems[0].Path + ": " + problems[0].Reason
}

// labelTable maps labels to classes.
type labelTable struct {
	classes []string
	numbers bool        // labels are indices into classes
	index   names.Index // of the names
}

// newLabelTable inspects all labels: if all are numbers they are indices, otherwise names. Unicode forms
// of a name are one class.
func newLabelTable(indices []*shardIndex, classes []string) (*labelTable, error) {
	t := &labelTable{classes: slices.Clone(classes), numbers: true}
	most := -1
	seen := map[string]bool{}
	for _, x := range indices {
		for _, label := range x.Labels {
			if seen[label] {
				continue
			}
			seen[label] = true
			n, err := strconv.Atoi(label)
			t.numbers = t.numbers && err == nil
			most = max(most, n)
		}
	}
	switch {
	case classes == nil && t.numbers:
		if err := checkNumbers(len(seen), most); err != nil {
			return nil, fmt.Errorf("%s: %w", firstOf(indices, most), err)
		}
		for n := range most + 1 {
			t.classes = append(t.classes, strconv.Itoa(n))
		}
	case classes == nil:
		t.classes = distinctNames(seen)
	}
	t.index = names.NewIndex(t.classes)
	return t, nil
}

// checkNumbers refuses class numbers of which nearly all have no image, as one stray label makes them:
// the network would have an output for each. A part of the shards of a large data set has most of them.
func checkNumbers(labels, most int) error {
	const (
		few       = 100 // classes: so small a network does no harm
		emptiness = 20  // classes for each with an image: 95 % are empty
	)
	if most >= maxClasses {
		return fmt.Errorf("its class is %d, and numbers must be below %d; correct the label, or use names as labels", most, maxClasses)
	}
	if most >= few && most+1 > emptiness*labels {
		return fmt.Errorf("its class is %d, but only %d numbers from 0 on have an image; correct the label, or use names as labels (or a %s with the names of all classes)",
			most, labels, shardsFile)
	}
	return nil
}

// firstOf names the first sample with a class number.
func firstOf(indices []*shardIndex, number int) string {
	for _, x := range indices {
		for i, label := range x.Labels {
			if n, err := strconv.Atoi(label); err == nil && n == number {
				return names.Show(x.Name + "/" + x.Keys[i])
			}
		}
	}
	return ""
}

// distinctNames returns the labels in Python's order, of several Unicode forms the first.
func distinctNames(labels map[string]bool) (distinct []string) {
	all := make([]string, 0, len(labels))
	for label := range labels {
		all = append(all, label)
	}
	slices.SortFunc(all, names.Compare)
	known := map[string]bool{}
	for _, label := range all {
		if key := names.Key(label); !known[key] {
			known[key] = true
			distinct = append(distinct, label)
		}
	}
	return distinct
}

func (t *labelTable) class(label string) (int, bool) {
	if t.numbers {
		n, err := strconv.Atoi(label)
		return n, err == nil && 0 <= n && n < len(t.classes)
	}
	return t.index.Find(label)
}

// emptyClasses names the classes without an image among the first shards of a data set: a label that is
// wrong, or numbers from 1 on.
func emptyClasses(d *data.Dataset) []data.Problem {
	var empty []string
	for class, n := range d.Counts() {
		if n == 0 {
			empty = append(empty, d.Classes[class])
		}
	}
	if empty == nil {
		return nil
	}
	return []data.Problem{{Path: d.Root, Reason: fmt.Sprintf("%d of %d classes have no image in these shards: %s", len(empty), len(d.Classes), names.Quote(empty))}}
}
