package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// exampleLines is the most lines of code that an example for newcomers may have, without imports and comments.
const exampleLines = 40

// TestShortExamples: the tasks of newcomers are short programs; docs/library.md lists them.
func TestShortExamples(t *testing.T) {
	for _, e := range []struct{ task, file, names string }{
		{"train", "train/example_fit_test.go", "ExampleFit"},
		{"layer, optimizer and loss of one's own", "autograd/example_squeeze_test.go", "SqueezeExcite Forward adagrad Example_squeezeExcite"},
		{"HTTP classifier", "serving/example_test.go", "ExampleOpen"},
		{"embeddings", "classify/example_test.go", "ExampleEmbed"},
		{"embeddings of a server", "serving/example_test.go", "ExampleClassifier_Embed"},
		{"frozen backbone with a new head", "train/example_fit_test.go", "ExampleFit_frozenBackbone"},
		{"the same with tensors", "backend/example_test.go", "ExampleNetwork_LoadMatching"},
	} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.Join("..", "..", e.file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		lines, found := map[int]bool{}, 0
		for _, d := range f.Decls {
			if !isOneOf(d, strings.Fields(e.names)) {
				continue
			}
			found++
			for line := set.Position(d.Pos()).Line; line <= set.Position(d.End()).Line; line++ {
				lines[line] = true
			}
		}
		if found != len(strings.Fields(e.names)) || len(lines) > exampleLines {
			t.Errorf("%s: %d of %s in %s, %d lines; want at most %d", e.task, found, e.names, e.file, len(lines), exampleLines)
		}
	}
}

// isOneOf reports whether a declaration has one of the names.
func isOneOf(d ast.Decl, names []string) bool {
	var name string
	switch d := d.(type) {
	case *ast.FuncDecl:
		name = d.Name.Name
	case *ast.GenDecl:
		if s, ok := d.Specs[0].(*ast.TypeSpec); ok {
			name = s.Name.Name
		}
	}
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
