package data

import (
	"slices"

	"depthwise.dev/data/internal/names"
)

// Dataset is a list of labeled images: files, or parts of containers such as tar files. An image has one class, or in a
// multi-label data set any number of classes.
type Dataset struct {
	Root     string    // the folder that holds the class folders or the containers
	Classes  []string  // class names; a sample's class is an index into them. Valid UTF-8: other bytes are written as \xe9
	Samples  []Sample  // files in torchvision's order; parts in the order of their containers
	Problems []Problem // files and folders that are not used
	// List is the CSV file that lists the images; "": folders or shards hold them.
	List string
	// MultiLabel: the classes of a sample are its Labels, and its Class is 0.
	MultiLabel bool
}

// Sample is one image and its class, or classes.
type Sample struct {
	Path  string // of the file; for a part of a container, the container's path and the part's name
	Class int
	Part  Part // the place in a container; the zero value means the file at Path
	// Labels are the classes of an image of a multi-label data set, sorted, each once. Empty: none of the classes.
	Labels []int32
}

// Len returns the number of samples.
func (d *Dataset) Len() int { return len(d.Samples) }

// Remote reports whether the images have to be downloaded, so that reading all of them takes long.
func (d *Dataset) Remote() bool { return d.remote() != nil }

// remote returns the container of the first sample if it is a remote one.
func (d *Dataset) remote() RemoteContainer {
	if d.Len() == 0 {
		return nil
	}
	r, _ := d.Samples[0].Part.In.(RemoteContainer)
	return r
}

// Sharded reports whether the images are parts of containers.
func (d *Dataset) Sharded() bool { return d.Len() > 0 && d.Samples[0].Part.In != nil }

// Counts returns the number of samples of each class.
func (d *Dataset) Counts() []int {
	counts := make([]int, len(d.Classes))
	for _, s := range d.Samples {
		for class := range d.ClassesOf(s) {
			counts[class]++
		}
	}
	return counts
}

// CountsByName returns the number of samples of each class by its name.
func (d *Dataset) CountsByName() map[string]int {
	counts := make(map[string]int, len(d.Classes))
	for i, n := range d.Counts() {
		counts[d.Classes[i]] = n
	}
	return counts
}

// Match returns d with its labels renumbered to follow classes, matched by name; the Unicode forms of a
// name (NFC and NFD) are the same. Samples of other classes are dropped; of a multi-label data set, their labels. unknown
// names those classes; missing names the classes that d lacks.
func (d *Dataset) Match(classes []string) (matched *Dataset, unknown, missing []string) {
	index := names.NewIndex(classes)
	to, has := make([]int, len(d.Classes)), make([]bool, len(classes)) // to: the new label, or -1
	for i, name := range d.Classes {
		n, ok := index.Find(name)
		if !ok {
			to[i], unknown = -1, append(unknown, name)
			continue
		}
		to[i], has[n] = n, true
	}
	for n, name := range classes {
		if !has[n] {
			missing = append(missing, name)
		}
	}
	matched = &Dataset{Root: d.Root, Classes: slices.Clone(classes), Problems: slices.Clone(d.Problems), List: d.List, MultiLabel: d.MultiLabel}
	if d.MultiLabel {
		matched.Samples = renumbered(d.Samples, to)
		return matched, unknown, missing
	}
	for _, s := range d.Samples {
		if n := to[s.Class]; n >= 0 {
			matched.Samples = append(matched.Samples, Sample{Path: s.Path, Class: n, Part: s.Part})
		}
	}
	return matched, unknown, missing
}
