package check

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data/datasets"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/shards"
)

// find adds a finding if it has examples.
func (c *checker) find(s Severity, kind string, examples []Example, text string) {
	if len(examples) == 0 {
		return
	}
	f := Finding{Severity: s, Kind: kind, Count: len(examples), Text: text, Examples: examples[:min(len(examples), c.options.Examples)]}
	c.report.Findings = append(c.report.Findings, f)
}

// sortFindings sorts by severity and keeps the order of equals.
func (c *checker) sortFindings() {
	order := []Severity{Serious, Warning, Note}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity))
	})
}

// each lists the images of all parts for which reason returns text.
func (c *checker) each(reason func(s *checkedSplit, i int) string) (examples []Example) {
	for _, s := range c.splits {
		for i, sample := range s.set.Samples {
			if why := reason(s, i); why != "" {
				examples = append(examples, Example{sample.Path, why})
			}
		}
	}
	return examples
}

// eachReadable is each for readable images.
func (c *checker) eachReadable(reason func(path string, e examined) string) []Example {
	return c.each(func(s *checkedSplit, i int) string {
		if s.seen[i].state == unreadable {
			return ""
		}
		return reason(s.set.Samples[i].Path, s.seen[i])
	})
}

// judgeFiles finds the problems of single files.
func (c *checker) judgeFiles() {
	c.find(Serious, "unreadable", c.each(func(s *checkedSplit, i int) string {
		if s.seen[i].state == unreadable {
			return s.reasons[i]
		}
		return ""
	}), fmt.Sprintf("images cannot be read; training skips them, and ends if they are more than %.3g %%. Repair or remove them",
		100*DefaultUnreadableLimit))
	var left []Example
	for _, s := range c.splits {
		for _, p := range s.set.Problems {
			left = append(left, Example(p))
		}
	}
	c.find(Warning, "left_out", left, "files and folders that are not used, or not as they are named")
	c.find(Warning, "damaged", c.each(func(s *checkedSplit, i int) string {
		if s.seen[i].state == damaged {
			return s.reasons[i]
		}
		return ""
	}), "images have damaged pixel data: they are used as the decoder returns them, partly gray or displaced. Review them")
	c.find(Warning, "blank", c.eachReadable(func(_ string, e examined) string {
		if e.flat {
			return "of one color"
		}
		return ""
	}), "images are blank")
	c.find(Warning, "tiny", c.eachReadable(func(_ string, e examined) string {
		const least = 32 // MobileNet reduces 32 times
		if min(e.width, e.height) < least {
			return fmt.Sprintf("%dx%d pixels", e.width, e.height)
		}
		return ""
	}), "images have a side below 32 pixels")
	c.find(Warning, "elongated", c.eachReadable(func(_ string, e examined) string {
		const most = 5
		if long := max(e.width, e.height); min(e.width, e.height) >= 32 && long > most*min(e.width, e.height) {
			return fmt.Sprintf("%dx%d pixels", e.width, e.height)
		}
		return ""
	}), "images have an aspect ratio above 5: a crop contains little of them")
	c.find(Note, "named_otherwise", c.eachReadable(func(path string, e examined) string {
		if !hasExtensionOf(path, e.format) {
			return "is " + string(e.format)
		}
		return ""
	}), "images have the extension of another format; the format is detected from the content")
	c.find(Note, "turned", c.eachReadable(func(_ string, e examined) string {
		if e.rotated {
			return "EXIF orientation"
		}
		return ""
	}), "images have an EXIF orientation; training applies it if training images are among them, see --exif")
}

// classPath returns the folder of a class, or the name of one that a CSV file lists.
func (s *checkedSplit) classPath(name string) string {
	if s.set.List != "" {
		return names.Unescape(name)
	}
	return shards.JoinPath(s.set.Root, names.Unescape(name))
}

// trains reports whether a part is used in training.
func (s *checkedSplit) trains() bool { return s.name == "train" || s.name == "all" }

// judgeClasses finds the problems of classes.
func (c *checker) judgeClasses() {
	const enough = 10 // images of a class
	var few, alike, nested []Example
	for _, s := range c.splits {
		for _, name := range datasets.Nested(s.set) {
			nested = append(nested, Example{s.classPath(name), "holds only folders"})
		}
		counts := s.set.Counts()
		lower := map[string]string{}
		for i, name := range s.set.Classes {
			if s.trains() && counts[i] > 0 && counts[i] < enough {
				few = append(few, Example{s.classPath(name), fmt.Sprintf("%d images", counts[i])})
			}
			key := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" _-.", r) }), "")
			if other, ok := lower[key]; ok {
				alike = append(alike, Example{s.classPath(name), "and " + names.Quote([]string{other})})
			}
			lower[key] = name
		}
	}
	c.judgeEmptyClasses()
	c.find(Warning, "nested_classes", nested, "no class folder holds an image itself: the images of the folders in it are used as images of the class. If these are the classes, move them up")
	c.find(Warning, "few_images", few, "classes have fewer than 10 training images")
	c.find(Warning, "classes_named_alike", alike, "class names differ only in case or punctuation: they may be one class")
	c.judgeBalance()
	c.judgeSplits()
}

// judgeEmptyClasses finds classes without an image or without a readable one.
func (c *checker) judgeEmptyClasses() {
	var empty, emptyElsewhere, unreadableClass []Example
	for _, s := range c.splits {
		for _, name := range s.empty {
			e := Example{s.classPath(name), "no image"}
			if s.trains() {
				empty = append(empty, e)
			} else {
				emptyElsewhere = append(emptyElsewhere, e)
			}
		}
		if !s.trains() {
			continue
		}
		readable := make([]int, len(s.set.Classes))
		for i, sample := range s.set.Samples {
			if s.seen[i].state != unreadable {
				for class := range s.set.ClassesOf(sample) {
					readable[class]++
				}
			}
		}
		for class, n := range s.set.Counts() {
			if n > 0 && readable[class] == 0 {
				unreadableClass = append(unreadableClass, Example{s.classPath(s.set.Classes[class]), fmt.Sprintf("none of its %d images can be read", n)})
			}
		}
	}
	c.find(Serious, "empty_class", empty, "class folders contain no image; training refuses them in train. Add images or remove them")
	c.find(Serious, "unreadable_class", unreadableClass, "classes have no readable image; training refuses them in train. Repair or replace the images, or remove the classes")
	c.find(Warning, "empty_class_in_val", emptyElsewhere, "class folders of val or test contain no image: the classes are not measured")
}

// judgeBalance compares the largest class of train with the smallest.
func (c *checker) judgeBalance() {
	const most = 10
	s := c.report.Splits[0]
	if s.Smallest.Images > 0 && s.Largest.Images > most*s.Smallest.Images {
		c.find(Warning, "imbalance", []Example{
			{c.splits[0].classPath(s.Largest.Name), fmt.Sprintf("%d images", s.Largest.Images)},
			{c.splits[0].classPath(s.Smallest.Name), fmt.Sprintf("%d images", s.Smallest.Images)},
		}, fmt.Sprintf("the largest class has %.0f times the images of the smallest: predictions will be biased towards it. Train with %s",
			float64(s.Largest.Images)/float64(s.Smallest.Images), c.compensation()))
		last := &c.report.Findings[len(c.report.Findings)-1]
		last.Count = 1
	}
}

// compensation names the options of training for classes of different sizes.
func (c *checker) compensation() string {
	if c.splits[0].set.Remote() {
		return "--class-weights balanced" // remote images are not drawn in any order
	}
	return "--sampler balanced or --class-weights balanced"
}

// judgeSplits compares the classes of train with those of val and test.
func (c *checker) judgeSplits() {
	parts := map[string]*checkedSplit{}
	for _, s := range c.splits {
		parts[s.name] = s
	}
	if first := c.splits[0]; first.trains() && len(first.set.Classes) < 2 && !first.set.MultiLabel {
		c.oneClass(first)
	}
	if parts["all"] != nil {
		return
	}
	train := parts["train"]
	if train == nil {
		c.find(Serious, "no_train", []Example{{filepath.Join(c.report.Root, "train"), "missing"}},
			"training refuses a folder without training images. Add train, or give the folder of another part with --val-split 0.1")
		return
	}
	if parts["val"] == nil {
		c.find(Serious, "no_val", []Example{{filepath.Join(c.report.Root, "val"), "missing"}},
			"training refuses a folder without validation images. Add val, or hold out images of train with --val-split 0.1")
	}
	for _, name := range []string{"val", "test"} {
		if parts[name] != nil {
			c.judgeClassesOf(train, parts[name])
		}
	}
}

// judgeClassesOf compares the classes of train with those of val or test.
func (c *checker) judgeClassesOf(train, other *checkedSplit) {
	_, unknown, missing := other.set.Match(train.set.Classes)
	counts := other.set.CountsByName()
	var extra, lacking []Example
	for _, name := range unknown {
		extra = append(extra, Example{other.classPath(name), fmt.Sprintf("its %d images are skipped", counts[name])})
	}
	for _, name := range missing {
		lacking = append(lacking, Example{train.classPath(name), map[string]string{"val": "no validation images", "test": "no test images"}[other.name]})
	}
	c.find(Serious, "unknown_in_"+other.name, extra, fmt.Sprintf("classes of %s are not in train", other.name))
	c.find(Warning, "missing_in_"+other.name, lacking, fmt.Sprintf("classes of train have no folder in %s", other.name))
}

func (c *checker) oneClass(s *checkedSplit) {
	c.find(Serious, "one_class", []Example{{s.set.Root, fmt.Sprintf("%d class", len(s.set.Classes))}},
		"a classifier needs two or more classes")
}
