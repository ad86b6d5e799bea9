package data

import (
	"iter"
	"slices"
)

// ClassesOf yields the classes of a sample: its one class, or of a multi-label data set its labels.
func (d *Dataset) ClassesOf(s Sample) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !d.MultiLabel {
			yield(s.Class)
			return
		}
		for _, class := range s.Labels {
			if !yield(int(class)) {
				return
			}
		}
	}
}

// Like returns a data set of other samples of d, with its root, classes and kind of labels.
func (d *Dataset) Like(samples []Sample) *Dataset {
	return &Dataset{Root: d.Root, Classes: d.Classes, List: d.List, MultiLabel: d.MultiLabel, Samples: samples}
}

// AppendTargets appends the targets of a sample of a multi-label data set: 1 for each of its classes, 0 for the others.
func (d *Dataset) AppendTargets(targets []float32, s Sample) []float32 {
	first := len(targets)
	targets = append(targets, make([]float32, len(d.Classes))...)
	for _, class := range s.Labels {
		targets[first+int(class)] = 1
	}
	return targets
}

// renumbered returns samples with the labels that to gives, without those for which it is negative.
func renumbered(samples []Sample, to []int) []Sample {
	list := make([]Sample, len(samples))
	for i, s := range samples {
		list[i] = s
		list[i].Labels = make([]int32, 0, len(s.Labels))
		for _, class := range s.Labels {
			if n := to[class]; n >= 0 {
				list[i].Labels = append(list[i].Labels, int32(n))
			}
		}
		slices.Sort(list[i].Labels)
	}
	return list
}

// mixTargets replaces the targets of a mixed batch, which are those of its images, by lambda of them plus the rest of
// those of the images that they were mixed with, see [Augment.mix].
func (b *Batch) mixTargets() {
	if len(b.Targets) == 0 {
		return
	}
	classes := len(b.Targets) / b.N
	last := slices.Clone(b.Targets[len(b.Targets)-classes:])
	for i := b.N - 1; i >= 0; i-- {
		before := last
		if i > 0 {
			before = b.Targets[(i-1)*classes : i*classes]
		}
		own := b.Targets[i*classes : (i+1)*classes]
		for k := range own {
			own[k] = float32(b.Lambda)*own[k] + float32(1-b.Lambda)*before[k]
		}
	}
}
