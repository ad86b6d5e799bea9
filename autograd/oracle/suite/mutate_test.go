//go:build !mutants

package suite_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// A mutator plants errors into Go source: it replaces an expression by a choice between the
// expression and a wrong one, which depends on the variable oracle.Mutant at run time. So one build
// contains all mutants.
type mutator struct {
	set    *token.FileSet
	source []byte
	list   []string          // of all mutants: place and change
	pairs  map[string]string // see pairs
}

// helpers is the code that the choices need in a mutated package.
func helpers(p mutatedPackage) string {
	return strings.NewReplacer("PACKAGE", p.name, "HEADER", p.header, "NODE", p.node, "MUTANT", p.mutant).Replace(helperTemplate)
}

const helperTemplate = `package PACKAGE

HEADER

func mutate[T any](k int, right, wrong T) T {
	if k == MUTANT {
		return wrong
	}
	return right
}

func first(x, _ *NODE) *NODE { return x }

func identity(x *NODE) *NODE { return x }

func swapped(f func(x, y *NODE) *NODE) func(x, y *NODE) *NODE {
	return func(x, y *NODE) *NODE { return f(y, x) }
}

func reversed(k int, list []*NODE) []*NODE {
	if k == MUTANT {
		list[0], list[1] = list[1], list[0]
	}
	return list
}
`

// mutatedPackage is a package with planted errors.
type mutatedPackage struct {
	dir, name    string
	header       string // declarations that the helpers need
	node, mutant string // how the package names oracle.Node and oracle.Mutant
	files        []string
	pairs        map[string]string // fields that are easily confused there, besides those of pairs
}

// file returns the mutated source of a file.
func (m *mutator) file(path string, source []byte) ([]byte, error) {
	file, err := parser.ParseFile(m.set, path, source, 0)
	if err != nil {
		return nil, err
	}
	m.source = source
	kernels := strings.HasSuffix(path, "_kernels.go")
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			m.block(f.Body, kernels)
		}
	}
	var b strings.Builder
	err = format.Node(&b, m.set, file)
	return []byte(b.String()), err
}

// plant numbers a mutant and returns the number in Go.
func (m *mutator) plant(at ast.Node, what string) string {
	p := m.set.Position(at.Pos())
	m.list = append(m.list, fmt.Sprintf("%s:%d:%d %s", filepath.Base(p.Filename), p.Line, p.Column, what))
	return fmt.Sprint(len(m.list))
}

// block mutates the statements in it. It mutates the conditions of kernels only: those of other
// code check shapes, which no case has wrong.
func (m *mutator) block(b ast.Node, kernels bool) {
	ast.Inspect(b, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			if kernels {
				n.Cond = m.expr(n.Cond)
			}
			m.block(n.Body, kernels)
			return false
		case *ast.CaseClause:
			for _, s := range n.Body {
				m.block(s, kernels)
			}
			return false
		case *ast.RangeStmt:
			n.X = m.expr(n.X)
			m.block(n.Body, kernels)
			return false
		case *ast.AssignStmt:
			m.assign(n)
			return false
		case *ast.ReturnStmt:
			for i := range n.Results {
				n.Results[i] = m.gradients(m.expr(n.Results[i]))
			}
			return false
		case *ast.ExprStmt:
			n.X = m.expr(n.X)
			return false
		}
		return true
	})
}

// assign mutates the right-hand side, and drops or negates the value of an element.
func (m *mutator) assign(n *ast.AssignStmt) {
	for i := range n.Rhs {
		n.Rhs[i] = m.expr(n.Rhs[i])
	}
	target, ok := n.Lhs[0].(*ast.IndexExpr)
	if !ok || len(n.Lhs) > 1 {
		return
	}
	value := text(n.Rhs[0])
	if _, ok := n.Rhs[0].(*ast.BasicLit); ok {
		value = "float64(" + value + ")"
	}
	value = fmt.Sprintf("mutate(%s, %s, -(%s))", m.plant(n, "negated"), value, value)
	if n.Tok == token.ADD_ASSIGN {
		n.Tok = token.ASSIGN
		value = fmt.Sprintf("mutate(%s, %s, 0) + %s", m.plant(n, "not added up"), text(target), value)
	}
	n.Rhs[0] = parsed(value)
}
