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
)

// notInTheTable are methods of autograd.Scope that return tensors and compute nothing of their own.
var notInTheTable = []string{
	"Zeros", "To", "ToDevice", "Detach", "Keep", "RequireGrad", "SetRequiresGrad", "NormalizeImages", // make, copy or mark
	"Gotch", "FromGotch", "ForwardModule", "Module", // hand over
	"Backward", "BackwardWith", "Grad", "Apply", "Checkpoint", // differentiate what the user wrote
}

// Every operation of autograd is in the table: a new one without a case fails here.
func TestOperationsAreComplete(t *testing.T) {
	table := ""
	for _, name := range []string{"operations.go", "layers.go"} {
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

// returnsTensor tells whether f is an exported method of *Scope whose first result is a *Tensor.
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
