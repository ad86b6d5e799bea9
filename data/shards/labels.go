package shards

import (
	"fmt"
	"slices"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// maxClasses bounds the class numbers of shards without a list of names.
const maxClasses = 1 << 20

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
		return nil, fmt.Errorf("data: %s: its %d shards contain no image with a class: %s", root, len(indices), firstProblem(d.Problems))
	}
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
	numbers bool           // labels are indices into classes
	index   map[string]int // of the names
}

// newLabelTable inspects all labels: if all are numbers they are indices, otherwise names.
func newLabelTable(indices []*shardIndex, classes []string) (*labelTable, error) {
	t := &labelTable{classes: slices.Clone(classes), numbers: true, index: map[string]int{}}
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
	case classes == nil && t.numbers && most >= maxClasses:
		return nil, fmt.Errorf("class %d: numbers must be below %d; use names as labels", most, maxClasses)
	case classes == nil && t.numbers:
		for n := range most + 1 {
			t.classes = append(t.classes, strconv.Itoa(n))
		}
	case classes == nil:
		for label := range seen {
			t.classes = append(t.classes, label)
		}
		slices.SortFunc(t.classes, names.Compare)
	}
	for i, name := range t.classes {
		t.index[name] = i
	}
	return t, nil
}

func (t *labelTable) class(label string) (int, bool) {
	if t.numbers {
		n, err := strconv.Atoi(label)
		return n, err == nil && 0 <= n && n < len(t.classes)
	}
	n, ok := t.index[label]
	return n, ok
}
