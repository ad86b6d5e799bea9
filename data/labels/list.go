package labels

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/internal/validate"
)

// MaxClasses is the largest number of classes of a list.
const MaxClasses = 1 << 16

// Options say how a list is read.
type Options struct {
	// Images is the folder that relative paths start from. "": that of the file.
	Images string
	// Delimiter is what separates the labels of an image, one of [Delimiters]. "": auto.
	Delimiter string
	// MultiLabel: each image may have any number of labels, also if each has one. Otherwise that follows from the file.
	MultiLabel bool
}

// List is a file that lists images.
type List struct {
	// Set holds all images in the order of the file, of the classes that occur; those of a file with a column for each class
	// are in the order of the columns, others sorted.
	Set *data.Dataset
	// Parts are the samples of train, val and test; without a column that says which are which all are in train.
	Parts map[names.Split][]data.Sample
	// HasParts: a column says to which part an image belongs.
	HasParts bool
}

// IsList reports whether a path is that of a list by its name.
func IsList(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return (extension == ".csv" || extension == ".tsv") && !strings.Contains(path, "://")
}

// Open reads a file. Its first row names the columns: one with the paths of the images, and either one with labels or one
// for each class with 0 and 1; optionally split or is_valid. Errors name the file and the line.
func Open(path string, o Options) (*List, error) {
	if o.Delimiter != "" && !slices.Contains(Delimiters, o.Delimiter) {
		return nil, validate.OneOf("label_delimiter", o.Delimiter, Delimiters)
	}
	t, err := readTable(path)
	if err != nil {
		return nil, err
	}
	return t.list(o)
}

// list makes the data set of a table.
func (t table) list(o Options) (*List, error) {
	c, err := t.findColumns()
	if err != nil {
		return nil, err
	}
	if len(t.rows) == 0 {
		return nil, fmt.Errorf("data: %s: no row after the header; it needs one for each image", names.Show(t.path))
	}
	labels, delimiter, err := t.cells(c, o.Delimiter)
	if err != nil {
		return nil, err
	}
	if err := t.alike(labels); err != nil {
		return nil, err
	}
	multi, err := t.multiLabel(labels, o.MultiLabel)
	if err != nil {
		return nil, err
	}
	root := o.Images
	if root == "" {
		root = filepath.Dir(t.path)
	}
	l := &List{Set: &data.Dataset{Root: filepath.Clean(root), List: t.path, MultiLabel: multi}, Parts: map[names.Split][]data.Sample{}, HasParts: c.split >= 0 || c.valid >= 0}
	index, err := t.classes(l.Set, c, labels)
	if err != nil {
		return nil, err
	}
	l.note(t, c, delimiter)
	return l, t.samples(l, c, labels, index)
}

// multiLabel decides whether the images have one label each.
func (t table) multiLabel(labels [][]string, asked bool) (bool, error) {
	without, several := -1, -1
	for i, list := range labels {
		switch {
		case len(list) == 0 && without < 0:
			without = i
		case len(list) > 1 && several < 0:
			several = i
		}
	}
	if asked || several >= 0 {
		return true, nil
	}
	if without >= 0 {
		return false, t.errorf(t.rows[without].line, "the image has no label, and all others have at most one; give it one, or use --multi-label, with which an image may have none")
	}
	return false, nil
}

// classes lists the labels that occur and returns their positions.
func (t table) classes(set *data.Dataset, c columns, labels [][]string) (map[string]int, error) {
	occurs := map[string]string{} // by key
	for _, list := range labels {
		for _, label := range list {
			if key := names.Key(label); occurs[key] == "" {
				occurs[key] = label
			}
		}
	}
	if len(occurs) == 0 {
		return nil, fmt.Errorf("data: %s: no image has a label", names.Show(t.path))
	}
	if len(occurs) > MaxClasses {
		return nil, fmt.Errorf("data: %s: %d different labels, and at most %d are possible; is this the column of labels?", names.Show(t.path), len(occurs), MaxClasses)
	}
	var list []string
	for _, column := range c.oneHot {
		if name := t.columns[column]; occurs[names.Key(name)] != "" {
			list = append(list, name)
		}
	}
	if c.oneHot == nil {
		for _, label := range occurs {
			list = append(list, label)
		}
		slices.SortFunc(list, names.Compare)
	}
	index := make(map[string]int, len(list))
	for i, label := range list {
		index[names.Key(label)] = i
		set.Classes = append(set.Classes, names.Escape(label))
	}
	return index, nil
}

// note says what is not used, and what labels are separated by where that is a matter of judgment.
func (l *List) note(t table, c columns, delimiter string) {
	var never []string
	for _, column := range c.oneHot {
		if name := t.columns[column]; !slices.ContainsFunc(l.Set.Classes, func(class string) bool { return names.Key(names.Unescape(class)) == names.Key(name) }) {
			never = append(never, name)
		}
	}
	if never != nil {
		l.Set.Problems = append(l.Set.Problems, data.Problem{Path: t.path, Reason: "columns without a 1 are no classes: " + names.Quote(never)})
	}
	if len(c.unused) > 0 {
		l.Set.Problems = append(l.Set.Problems, data.Problem{Path: t.path, Reason: "columns that are not used: " + names.Quote(c.unused)})
	}
	if delimiter == "space" && c.labels >= 0 {
		l.Set.Problems = append(l.Set.Problems, data.Problem{Path: t.path, Reason: fmt.Sprintf("spaces separate labels: %d classes (%s); if a name has spaces, separate labels with |, or give --label-delimiter none",
			len(l.Set.Classes), names.Quote(l.Set.Classes))})
	}
}

// samples finds the images.
func (t table) samples(l *List, c columns, labels [][]string, index map[string]int) error {
	files := &resolver{root: l.Set.Root, folders: map[string]map[string]bool{}}
	seen := make(map[string]int, len(t.rows))
	var lost []lostImage
	for i, r := range t.rows {
		name := r.fields[c.path]
		if name == "" {
			return t.errorf(r.line, "%s is empty; it names the image", t.columns[c.path])
		}
		part, err := t.splitOf(c, r)
		if err != nil {
			return err
		}
		path, err := files.find(name)
		if err != nil {
			return err
		}
		if path == "" {
			lost = append(lost, lostImage{name, r.line})
			continue
		}
		if line, again := seen[path]; again {
			return t.errorf(r.line, "%s is in line %d too; write an image once, with all its labels in a row", names.Show(name), line)
		}
		seen[path] = r.line
		s := sample(path, labels[i], index, l.Set.MultiLabel)
		l.Set.Samples = append(l.Set.Samples, s)
		l.Parts[part] = append(l.Parts[part], s)
	}
	if lost != nil {
		return t.missing(files, lost)
	}
	return nil
}

// sample is an image with its labels.
func sample(path string, labels []string, index map[string]int, multi bool) data.Sample {
	s := data.Sample{Path: path}
	if !multi {
		s.Class = index[names.Key(labels[0])]
		return s
	}
	for _, label := range labels {
		s.Labels = append(s.Labels, int32(index[names.Key(label)]))
	}
	slices.Sort(s.Labels)
	s.Labels = slices.Compact(s.Labels) // of a name in two Unicode forms
	return s
}

// Part returns the images of a part, of the classes that occur among them.
func (l *List) Part(part names.Split) *data.Dataset {
	set := l.Set.Like(l.Parts[part])
	var used []string
	for class, n := range set.Counts() {
		if n > 0 {
			used = append(used, set.Classes[class])
		}
	}
	matched, _, _ := set.Match(used)
	return matched
}
