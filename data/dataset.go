package data

import "slices"

// Dataset is a list of labelled image files.
type Dataset struct {
	Root     string    // the folder that holds the class folders
	Classes  []string  // class names; a sample's class is an index into them
	Samples  []Sample  // in torchvision's order
	Problems []Problem // what was found and left out
}

// Sample is one image file and its class.
type Sample struct {
	Path  string
	Class int
}

// Problem names something that is not used, and why.
type Problem struct{ Path, Reason string }

// Len returns the number of samples.
func (d *Dataset) Len() int { return len(d.Samples) }

// Counts returns the number of samples of each class.
func (d *Dataset) Counts() []int {
	counts := make([]int, len(d.Classes))
	for _, s := range d.Samples {
		counts[s.Class]++
	}
	return counts
}

// Match returns d with its labels renumbered to follow classes, matched by name. Samples
// of classes that are not among them are left out. unknown names those classes, missing
// the ones of classes that d has no folder for.
func (d *Dataset) Match(classes []string) (matched *Dataset, unknown, missing []string) {
	index, own := positions(classes), positions(d.Classes)
	for _, name := range classes {
		if _, ok := own[name]; !ok {
			missing = append(missing, name)
		}
	}
	for _, name := range d.Classes {
		if _, ok := index[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	matched = &Dataset{Root: d.Root, Classes: slices.Clone(classes), Problems: slices.Clone(d.Problems)}
	for _, s := range d.Samples {
		if to, ok := index[d.Classes[s.Class]]; ok {
			matched.Samples = append(matched.Samples, Sample{Path: s.Path, Class: to})
		}
	}
	return matched, unknown, missing
}

// positions maps names to their index.
func positions(names []string) map[string]int {
	index := make(map[string]int, len(names))
	for i, name := range names {
		index[name] = i
	}
	return index
}
