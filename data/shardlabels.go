package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
)

// maxClasses bounds the class numbers of shards that bring no list of names.
const maxClasses = 1 << 20

// dataset makes a data set of indexed shards. classes are the names that class numbers
// stand for; without them the numbers name themselves, or the labels are names.
func dataset(root string, indices []*shardIndex, classes []string, open func(*shardIndex) shard) (*Dataset, error) {
	d := &Dataset{Root: root}
	table, err := newLabelTable(indices, classes)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", root, err)
	}
	d.Classes = table.classes
	total := 0
	for _, x := range indices {
		total += len(x.Keys)
	}
	d.Samples = make([]Sample, 0, total)
	for _, x := range indices {
		for _, p := range x.Problems {
			d.Problems = append(d.Problems, Problem{joinPath(root, p.Path), p.Reason})
		}
		in, path := open(x), joinPath(root, x.Name)
		for i, key := range x.Keys {
			s := Sample{Path: path + "/" + key + "." + x.Exts[i], part: part{in, x.Offsets[i], x.Sizes[i]}}
			class, ok := table.class(x.Labels[i])
			if !ok {
				d.Problems = append(d.Problems, Problem{s.Path, fmt.Sprintf("its class %q is not one of the %d known ones", x.Labels[i], len(d.Classes))})
				continue
			}
			s.Class = class
			d.Samples = append(d.Samples, s)
		}
	}
	if len(d.Samples) == 0 {
		return nil, fmt.Errorf("data: %s: its %d shards hold no image with a class: %s", root, len(indices), firstProblem(d.Problems))
	}
	return d, nil
}

// joinPath joins what may be an address, whose slashes filepath would clean away.
func joinPath(root, name string) string {
	if isRemote(root) {
		return joinAddress(root, name)
	}
	return filepath.Join(root, name)
}

func firstProblem(problems []Problem) string {
	if len(problems) == 0 {
		return "they are empty"
	}
	return problems[0].Path + ": " + problems[0].Reason
}

// labelTable turns labels into classes.
type labelTable struct {
	classes []string
	numbers bool           // labels are indices into classes
	index   map[string]int // of the names
}

// newLabelTable looks at all labels: numbers alone are indices, else they are names.
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
		slices.SortFunc(t.classes, comparePython)
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
