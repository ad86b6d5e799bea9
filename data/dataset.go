package data

import "slices"

// Dataset is a list of labeled images: files, or parts of shards.
type Dataset struct {
	Root     string      // the folder that holds the class folders or the shards
	Classes  []string    // class names; a sample's class is an index into them
	Samples  []Sample    // in torchvision's order; of shards, as they lie in them
	Problems []Problem   // what was found and left out
	cache    *shardCache // of distant shards; nil: the data are near
}

// Sample is one image and its class.
type Sample struct {
	Path  string // of the file; of a part of a shard, the shard's path and the part's name
	Class int
	part  part // where it lies in a shard; the zero value: it is the file at Path
}

// Problem names something that is not used, and why.
type Problem struct{ Path, Reason string }

// Len returns the number of samples.
func (d *Dataset) Len() int { return len(d.Samples) }

// Distant reports whether the images lie at addresses, so that reading them all takes long.
func (d *Dataset) Distant() bool { return d.cache != nil }

// Sharded reports whether the images lie in tar files.
func (d *Dataset) Sharded() bool { return d.Len() > 0 && d.Samples[0].part.in != nil }

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
	matched = &Dataset{Root: d.Root, Classes: slices.Clone(classes), Problems: slices.Clone(d.Problems), cache: d.cache}
	for _, s := range d.Samples {
		if to, ok := index[d.Classes[s.Class]]; ok {
			matched.Samples = append(matched.Samples, Sample{Path: s.Path, Class: to, part: s.part})
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
