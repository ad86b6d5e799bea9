package labels

import (
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// Names of columns, without case, spaces, '_' and '-': those of Keras' flow_from_dataframe, fastai's from_csv and Kaggle's
// data sets. Of several in a file the first in this order counts.
var (
	pathNames  = []string{"path", "filepath", "imagepath", "imgpath", "filename", "file", "imagename", "imagefile", "image", "img", "fname", "name", "imageid", "id", "images", "filenames"}
	labelNames = []string{"labels", "label", "tags", "tag", "classes", "class", "classname", "categories", "category", "targets", "target"}
	splitNames = []string{"split", "subset", "set", "partition"}
	validNames = []string{"isvalid", "isval"} // of fastai: True of the validation images
)

// columns says which column holds what; -1: none does.
type columns struct {
	path, labels, split, valid int
	oneHot                     []int // without a column of labels: a column for each class
	unused                     []string
}

// normalized is a column's name as the lists above write it.
func normalized(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(name))
}

// findColumns finds the columns by their names.
func (t table) findColumns() (columns, error) {
	if err := t.checkNames(); err != nil {
		return columns{}, err
	}
	c := columns{path: t.column(pathNames), labels: t.column(labelNames), split: t.column(splitNames), valid: t.column(validNames)}
	if c.path < 0 {
		return c, t.noPath()
	}
	if c.labels >= 0 {
		for i, name := range t.columns {
			if i != c.path && i != c.labels && i != c.split && i != c.valid && !isIndex(name) {
				c.unused = append(c.unused, name)
			}
		}
		return c, nil
	}
	for i, name := range t.columns {
		if i != c.path && i != c.split && i != c.valid && !isIndex(name) {
			c.oneHot = append(c.oneHot, i)
		}
	}
	if c.oneHot == nil {
		return c, t.errorf(1, "no column has the labels: the columns are %s; name one labels, or add a column with 0 and 1 for each class", names.Quote(t.columns))
	}
	return c, nil
}

// checkNames refuses two columns of one name.
func (t table) checkNames() error {
	seen := map[string]bool{}
	for _, name := range t.columns {
		if key := names.Key(name); seen[key] && !isIndex(name) {
			return t.errorf(1, "two columns have the name %q; rename or remove one", name)
		} else {
			seen[key] = true
		}
	}
	return nil
}

// isIndex reports whether a column is the row numbers that pandas writes.
func isIndex(name string) bool { return name == "" || strings.HasPrefix(name, "Unnamed: ") }

// column returns the column with one of the names, or -1.
func (t table) column(list []string) int {
	for _, want := range list {
		for i, name := range t.columns {
			if normalized(name) == want {
				return i
			}
		}
	}
	return -1
}

// noPath says why no column names the images.
func (t table) noPath() error {
	for _, field := range t.columns {
		if data.HasImageExtension(field) {
			return t.errorf(1, "%q is an image, and the first line must name the columns; add a header such as path,labels", field)
		}
	}
	return t.errorf(1, "no column names the images: the columns are %s; name one path (or filename or image)", names.Quote(t.columns))
}

// splitOf returns the part that a row belongs to.
func (t table) splitOf(c columns, r row) (names.Split, error) {
	if c.split >= 0 {
		value := r.fields[c.split]
		if part := names.SplitOfFolder(value); part != names.NoSplit {
			return part, nil
		}
		return "", t.errorf(r.line, "%s is %q; must be train, val or test", t.columns[c.split], value)
	}
	if c.valid < 0 {
		return names.Train, nil
	}
	valid, ok := binary(r.fields[c.valid])
	if !ok {
		return "", t.errorf(r.line, "%s is %q; must be True or False", t.columns[c.valid], r.fields[c.valid])
	}
	if valid {
		return names.Val, nil
	}
	return names.Train, nil
}

// binary reads 0 and 1 as programs write them.
func binary(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "1", "1.0", "true":
		return true, true
	case "0", "0.0", "false":
		return false, true
	}
	return false, false
}
