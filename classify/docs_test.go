package classify

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fields lists the names in JSON of a type and of what it holds.
func fields(of reflect.Type) (names []string) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		return fields(of.Elem())
	case reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				names = append(names, name)
			}
			names = append(names, fields(f.Type)...)
		}
	}
	return names
}

// TestEvalJSONIsDocumented: docs/evaluation.md names every field of train eval --json, with docs/multilabel.md those of multi-label data.
func TestEvalJSONIsDocumented(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	one := read("evaluation.md")
	for _, c := range []struct {
		result any
		page   string
	}{{EvalResult{}, one}, {MultiLabelResult{}, one + read("multilabel.md")}} {
		names := fields(reflect.TypeOf(c.result))
		for _, name := range names {
			if !strings.Contains(c.page, "`"+name+"`") {
				t.Errorf("%T: %s is not documented", c.result, name)
			}
		}
		if len(names) < 20 {
			t.Errorf("%T has only %q", c.result, names)
		}
	}
}
