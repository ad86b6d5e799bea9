package labels

import (
	"slices"
	"strings"
	"unicode"

	"depthwise.dev/data/internal/names"
)

// Delimiters are the texts between the labels of a cell, by the names of [Options.Delimiter].
var Delimiters = []string{"auto", "space", "|", ";", ",", "none"}

// cells splits the labels of all rows. delimiter is the one that was used.
func (t table) cells(c columns, delimiter string) (labels [][]string, used string, err error) {
	if c.labels < 0 {
		labels, err = t.oneHotLabels(c)
		return labels, "", err
	}
	used = delimiter
	if delimiter == "" || delimiter == "auto" {
		if used, err = t.findDelimiter(c); err != nil {
			return nil, "", err
		}
	}
	labels = make([][]string, len(t.rows))
	for i, r := range t.rows {
		if labels[i], err = t.split(r, r.fields[c.labels], used); err != nil {
			return nil, "", err
		}
	}
	return labels, used, nil
}

// split returns the labels of a cell.
func (t table) split(r row, cell, delimiter string) ([]string, error) {
	if list, ok := pythonList(cell); ok {
		return t.checked(r, list)
	}
	var list []string
	switch delimiter {
	case "space":
		list = strings.Fields(cell)
	case "none":
		if cell != "" {
			list = []string{cell}
		}
	default:
		for part := range strings.SplitSeq(cell, delimiter) {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return t.checked(r, list)
}

// checked refuses labels that are written twice or cannot be shown.
func (t table) checked(r row, list []string) ([]string, error) {
	for i, label := range list {
		if strings.ContainsFunc(label, unicode.IsControl) {
			return nil, t.errorf(r.line, "the label %q holds a control character; remove it", label)
		}
		if slices.Contains(list[:i], label) {
			return nil, t.errorf(r.line, "the label %q is written twice; remove one", label)
		}
	}
	return list, nil
}

// findDelimiter returns the delimiter of the file: the first of | ; and comma that is in a cell, or else the space where it
// separates labels. Where a space may also belong to a name, it is an error that asks.
func (t table) findDelimiter(c columns) (string, error) {
	for _, d := range []string{"|", ";", ","} {
		for _, r := range t.rows {
			if cell := r.fields[c.labels]; strings.Contains(cell, d) && !isPythonList(cell) {
				return d, nil
			}
		}
	}
	return t.spaces(c)
}

// spaces decides between labels separated by spaces and names with spaces. Labels of their own occur in other rows beside
// other labels, or alone; the words of a name do not.
func (t table) spaces(c columns) (string, error) {
	in := map[string][]string{} // the first two different cells of each word
	example := -1
	for i, r := range t.rows {
		cell := r.fields[c.labels]
		if isPythonList(cell) {
			continue
		}
		words := strings.Fields(cell)
		if len(words) > 1 && example < 0 {
			example = i
		}
		cell = strings.Join(words, " ")
		for _, word := range words {
			if len(in[word]) < 2 && !slices.Contains(in[word], cell) {
				in[word] = append(in[word], cell)
			}
		}
	}
	if example < 0 {
		return "none", nil
	}
	for _, r := range t.rows {
		words := strings.Fields(r.fields[c.labels])
		if len(words) < 2 || isPythonList(r.fields[c.labels]) {
			continue
		}
		for _, word := range words {
			if len(in[word]) < 2 {
				return "", t.errorf(r.line, "%q may be one label or %d: %q occurs nowhere else; separate labels with |, or say what a space is with --label-delimiter space or --label-delimiter none",
					r.fields[c.labels], len(words), word)
			}
		}
	}
	return "space", nil
}

// oneHotLabels returns the names of the columns that hold 1.
func (t table) oneHotLabels(c columns) ([][]string, error) {
	labels := make([][]string, len(t.rows))
	for i, r := range t.rows {
		for _, column := range c.oneHot {
			if i == 0 && strings.ContainsFunc(t.columns[column], unicode.IsControl) {
				return nil, t.errorf(1, "the name %q of a column, which is a class, holds a control character; remove it", t.columns[column])
			}
			present, ok := binary(r.fields[column])
			if !ok && len(c.oneHot) == 1 {
				return nil, t.errorf(r.line, "column %q is %q, neither 0 nor 1: if it holds the labels of the images, rename it to \"labels\" in the first line",
					t.columns[column], r.fields[column])
			}
			if !ok {
				return nil, t.errorf(r.line, "column %q is %q; the columns beside path and split are classes, and hold 0 or 1; name a column of labels \"labels\", or remove the column",
					t.columns[column], r.fields[column])
			}
			if present {
				labels[i] = append(labels[i], t.columns[column])
			}
		}
	}
	return labels, nil
}

func isPythonList(cell string) bool {
	_, ok := pythonList(cell)
	return ok
}

// pythonList reads a list as Python or JSON writes it, ['cat', "dog"]: pandas writes columns of lists so.
func pythonList(cell string) (list []string, ok bool) {
	inner, found := strings.CutPrefix(cell, "[")
	if inner, ok = strings.CutSuffix(inner, "]"); !found || !ok {
		return nil, false
	}
	rest := strings.TrimSpace(inner)
	for rest != "" {
		quote := rest[0]
		if quote != '\'' && quote != '"' {
			return nil, false
		}
		end := strings.IndexByte(rest[1:], quote)
		if end < 0 || strings.Contains(rest[1:1+end], `\`) {
			return nil, false
		}
		list = append(list, strings.TrimSpace(rest[1:1+end]))
		rest = strings.TrimSpace(rest[2+end:])
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = strings.TrimSpace(rest[1:])
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" }), true
}

// alike refuses labels that differ in case only: mostly one class, written in two ways.
func (t table) alike(labels [][]string) error {
	type first struct {
		label string
		line  int
	}
	seen := map[string]first{}
	for i, list := range labels {
		for _, label := range list {
			key := strings.ToLower(names.Key(label))
			was, ok := seen[key]
			if !ok {
				seen[key] = first{label, t.rows[i].line}
			} else if names.Key(was.label) != names.Key(label) {
				return t.errorf(t.rows[i].line, "the label %q differs from %q in line %d in case only; write them alike, or give the classes names that differ", label, was.label, was.line)
			}
		}
	}
	return nil
}
