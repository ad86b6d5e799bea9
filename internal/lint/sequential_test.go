package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// sequentialLine is the list of packages in the Makefile that are tested without the race detector.
var sequentialLine = regexp.MustCompile(`(?m)^SEQUENTIAL := (.+)$`)

// TestSequentialPackages checks that the packages without libtorch that make test runs without the race detector start no
// goroutines, neither in their code nor in their tests.
func TestSequentialPackages(t *testing.T) {
	root, files := repository(t)
	makefile, err := fs.ReadFile(root, "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := sequentialLine.FindSubmatch(makefile)
	if m == nil {
		t.Fatal("the Makefile has no line SEQUENTIAL")
	}
	for _, folder := range strings.Fields(strings.ReplaceAll(string(m[1]), "./", "")) {
		found := false
		for _, name := range files {
			if path.Dir(name) != folder || path.Ext(name) != ".go" {
				continue
			}
			found = true
			text, err := fs.ReadFile(root, name)
			if err != nil {
				t.Fatal(err)
			}
			if line := goroutineLine(t, name, text); line > 0 {
				t.Errorf("%s:%d starts a goroutine: remove ./%s from SEQUENTIAL in the Makefile, so that the race detector tests it", name, line, folder)
			}
		}
		if !found {
			t.Errorf("SEQUENTIAL in the Makefile: %s has no Go files", folder)
		}
	}
}

// goroutineLine returns the first line of a Go file that starts a goroutine, or 0: a go statement, or a call of what starts
// one, as far as names tell.
func goroutineLine(t *testing.T, name string, text []byte) int {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	at := token.NoPos
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at = n.Pos()
		case *ast.SelectorExpr:
			switch n.Sel.Name {
			case "Go", "Parallel", "AfterFunc", "NewServer":
				at = n.Pos()
			}
		}
		return !at.IsValid()
	})
	return set.Position(at).Line
}

func TestGoroutineLine(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"none", "println(1)", 0},
		{"go statement", "go println(1)", 3},
		{"wait group", "var wg sync.WaitGroup; wg.Go(f)", 3},
		{"parallel test", "t.Parallel()", 3},
		{"in a closure", "func() { println()\n go f() }()", 4},
		{"the word in a comment", "// go f()", 0},
	} {
		if got := goroutineLine(t, "a.go", []byte("package a\nfunc g() {\n"+c.body+"\n}\n")); got != c.want {
			t.Errorf("%s: line %d, want %d", c.name, got, c.want)
		}
	}
}
