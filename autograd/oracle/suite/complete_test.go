package suite_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/models"
)

// notInTheTable are methods of autograd.Scope that return tensors without an operation of their
// own.
var notInTheTable = []string{
	"Zeros", "To", "ToDevice", "Detach", "Keep", "RequireGrad", "SetRequiresGrad", "NormalizeImages", "NormalizePixels", "FusedNormalizePixels", // make, copy or mark
	"Gotch", "FromGotch", "ForwardModule", "Module", // convert
	"Argmax", "CountCorrect", "ExactMatches", "UploadPixels", // have no gradient
	"Backward", "BackwardWith", "Grad", "Apply", "Checkpoint", // differentiate the user's operations
}

// TestOperationsAreComplete: every operation of autograd has a case.
func TestOperationsAreComplete(t *testing.T) {
	table := ""
	for _, name := range []string{"operations.go", "layers.go", "losses.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		table += string(text)
	}
	files, err := filepath.Glob("../../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	found := 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !returnsTensor(f) || slices.Contains(notInTheTable, f.Name.Name) {
				continue
			}
			found++
			if !strings.Contains(table, "s."+f.Name.Name+"(") {
				t.Errorf("%s: Scope.%s is in no case of Operations or Layers", path, f.Name.Name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d operations found", found)
	}
}

// returnsTensor reports whether f is an exported method of *Scope whose first result is a *Tensor.
func returnsTensor(f *ast.FuncDecl) bool {
	if f.Recv == nil || !f.Name.IsExported() || f.Type.Results == nil {
		return false
	}
	return pointerTo(f.Recv.List[0].Type, "Scope") && pointerTo(f.Type.Results.List[0].Type, "Tensor")
}

func pointerTo(e ast.Expr, name string) bool {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == name
}

// TestFunctionsAreComplete: every activation function is in the graph of TestNetworks that has all
// kinds, which compares the backend's with those of the suite.
func TestFunctionsAreComplete(t *testing.T) {
	used := map[models.Function]bool{}
	for _, l := range everyKind(t).Layers {
		if l.Activation != nil {
			used[l.Activation.Function] = true
		}
	}
	for _, f := range models.Functions {
		if !used[f] {
			t.Errorf("the activation function %q is in no layer of everyKind", f)
		}
	}
}

// TestKindsAreComplete: every kind of layers is in the graph of TestNetworks that has all, and so
// has a row in kinds.
func TestKindsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../models/layer.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, l := range everyKind(t).Layers {
		used[string(l.Kind)] = true
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Names) != 1 || !strings.HasPrefix(v.Names[0].Name, "Kind") {
			return true
		}
		found++
		if kind := strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`); !used[kind] {
			t.Errorf("models.%s (%q) is in no layer of everyKind", v.Names[0].Name, kind)
		}
		return true
	})
	if found != len(used) || found < 9 {
		t.Errorf("%d kinds found in models/layer.go, %d in the graph", found, len(used))
	}
}
