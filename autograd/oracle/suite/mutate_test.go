//go:build !mutants

package suite_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// A mutator plants errors into Go source: each place becomes a choice between what stands there and something wrong,
// which the variable Mutant of the package makes when the program runs. So one build holds all mutants.
type mutator struct {
	set    *token.FileSet
	source []byte
	list   []string // of all mutants: where, and what was done
}

// helpers is what the choices need in the mutated package.
const helpers = `package oracle

// Mutant is the number of the error that is switched on, 0 for none.
var Mutant int

func mutate[T any](k int, right, wrong T) T {
	if k == Mutant {
		return wrong
	}
	return right
}

func first(x, _ *Node) *Node { return x }

func identity(x *Node) *Node { return x }

func swapped(f func(x, y *Node) *Node) func(x, y *Node) *Node {
	return func(x, y *Node) *Node { return f(y, x) }
}

func reversed(k int, list []*Node) []*Node {
	if k == Mutant {
		list[0], list[1] = list[1], list[0]
	}
	return list
}
`

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

// block mutates the statements in it. Conditions of a formula's code guard against wrong shapes, which no case has;
// those of kernels compute.
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

// assign mutates the right-hand side, and drops or negates what an element is given.
func (m *mutator) assign(n *ast.AssignStmt) {
	for i := range n.Rhs {
		n.Rhs[i] = m.expr(n.Rhs[i])
	}
	target, ok := n.Lhs[0].(*ast.IndexExpr)
	if !ok || len(n.Lhs) > 1 {
		return
	}
	if t, ok := target.X.(*ast.Ident); ok && t.Name == "moved" {
		return // a map of nodes
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

// pairs are fields that are easily mistaken for one another.
var pairs = map[string]string{"Top": "Left", "Left": "Top", "Bottom": "Right", "Right": "Bottom", "kh": "kw", "kw": "kh",
	"rows": "columns", "columns": "rows", "height": "width", "width": "height", "ins": "outs", "outs": "ins",
	"top": "left", "left": "top", "Before": "After", "After": "Before", "Mean": "Var", "Var": "Mean",
	"Weight": "Bias", "Bias": "Weight"}

// calls are the graph's operations, with those that they are mistaken for.
var calls = map[string][]string{
	"Add": {"g.Sub", "first"}, "Sub": {"g.Add", "first", "swapped(g.Sub)"}, "Mul": {"g.Div", "first"},
	"Div": {"g.Mul", "first", "swapped(g.Div)"}, "Matmul": {"swapped(g.Matmul)"},
	"Square": {"identity"}, "Sqrt": {"identity"}, "Exp": {"identity"}, "Log": {"identity"}, "Transpose": {"identity"},
}

// expr returns the expression with every part a choice.
func (m *mutator) expr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		e.X = m.expr(e.X)
	case *ast.BinaryExpr:
		return m.binary(e)
	case *ast.CallExpr:
		return m.call(e)
	case *ast.SelectorExpr:
		if other, ok := pairs[e.Sel.Name]; ok {
			return parsed(fmt.Sprintf("mutate(%s, %s, %s.%s)", m.plant(e, "is "+other), text(e), text(e.X), other))
		}
	case *ast.IndexExpr:
		e.Index = m.expr(e.Index)
	case *ast.FuncLit:
		m.closure(e)
	case *ast.CompositeLit:
		return m.literal(e)
	}
	return e
}

// closure mutates a function's body, and the parameters that it indexes with.
func (m *mutator) closure(f *ast.FuncLit) {
	var params []string
	for _, field := range f.Type.Params.List {
		if t, ok := field.Type.(*ast.Ident); ok && t.Name == "int" {
			for _, n := range field.Names {
				params = append(params, n.Name)
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		index, ok := n.(*ast.IndexExpr)
		if !ok {
			return true
		}
		if id, ok := index.Index.(*ast.Ident); ok && slices.Contains(params, id.Name) {
			other := params[(slices.Index(params, id.Name)+1)%len(params)]
			index.Index = parsed(fmt.Sprintf("mutate(%s, %s, %s)", m.plant(index, "indexed with "+other), id.Name, other))
		}
		return true
	})
	m.block(f.Body, true)
}

// gradients swaps two that are returned.
func (m *mutator) gradients(e ast.Expr) ast.Expr {
	if l, ok := e.(*ast.CompositeLit); ok && len(l.Elts) == 2 && text(l.Type) == "[]*Node" {
		return parsed(fmt.Sprintf("reversed(%s, %s)", m.plant(l, "gradients swapped"), text(l)))
	}
	return e
}

// literal mutates fields, names and shapes apart.
func (m *mutator) literal(l *ast.CompositeLit) ast.Expr {
	for i, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key := text(kv.Key); key != "name" && key != "dims" && key != "shape" {
				kv.Value = m.expr(kv.Value)
			}
		} else {
			l.Elts[i] = m.expr(e)
		}
	}
	return l
}

// binary flips the sign or direction, and drops either side.
func (m *mutator) binary(e *ast.BinaryExpr) ast.Expr {
	if strings.Contains(text(e), `"`) {
		return e // names
	}
	at, what := &ast.Ident{NamePos: e.Pos()}, text(e)
	e.X, e.Y = m.expr(e.X), m.expr(e.Y)
	x, y := text(e.X), text(e.Y)
	var wrong []string
	switch e.Op {
	case token.ADD:
		wrong = []string{x + " - (" + y + ")", x, y}
	case token.SUB:
		wrong = []string{x + " + " + y, x}
	case token.MUL:
		wrong = []string{"-(" + x + " * " + y + ")", x, y}
	case token.QUO:
		wrong = []string{"-(" + x + " / " + y + ")", x}
	case token.GTR:
		wrong = []string{x + " <= " + y}
	case token.LSS:
		wrong = []string{x + " >= " + y}
	case token.LAND:
		wrong = []string{x, y}
	}
	right := text(e)
	for _, w := range wrong {
		right = fmt.Sprintf("mutate(%s, %s, %s)", m.plant(at, what+": "+shown(w)), right, w)
	}
	return parsed(right)
}

// shown is Go without the choices within.
func shown(code string) string {
	if strings.Contains(code, "mutate(") {
		return "one side, or the sign"
	}
	return code
}

// call mistakes an operation for another, exchanges neighboring positions, and negates factors.
func (m *mutator) call(e *ast.CallExpr) ast.Expr {
	name := ""
	switch f := e.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if text(f.X) == "fmt" {
			return e
		}
	case *ast.Ident:
		name = f.Name
	}
	at := &ast.Ident{NamePos: e.Pos()}
	for i := range e.Args {
		e.Args[i] = m.expr(e.Args[i])
	}
	if name == "Affine" && len(e.Args) == 3 {
		a := text(e.Args[1])
		e.Args[1] = parsed(fmt.Sprintf("mutate(%s, float64(%s), -float64(%s))", m.plant(at, "factor negated"), a, a))
		if b := text(e.Args[2]); b != "0" {
			e.Args[2] = parsed(fmt.Sprintf("mutate(%s, float64(%s), 0)", m.plant(at, "summand dropped"), b))
		}
	}
	if name == "inner" || name == "outer" || name == "f" {
		m.exchange(e, at)
	}
	if other := map[string]string{"min": "max", "max": "min"}[name]; other != "" {
		right := text(e)
		return parsed(fmt.Sprintf("mutate(%s, %s, %s)", m.plant(at, name+" is "+other), right, other+strings.TrimPrefix(right, name)))
	}
	for _, wrong := range calls[name] {
		if text(e.Fun) == "g."+name || strings.HasPrefix(text(e.Fun), "mutate(") {
			e.Fun = parsed(fmt.Sprintf("mutate(%s, %s, %s)", m.plant(at, name+" is "+wrong), text(e.Fun), wrong))
		}
	}
	return e
}

// exchange swaps each two neighboring arguments.
func (m *mutator) exchange(e *ast.CallExpr, at ast.Node) {
	for i := range len(e.Args) - 1 {
		k, a, b := m.plant(at, fmt.Sprintf("arguments %d and %d exchanged", i, i+1)), text(e.Args[i]), text(e.Args[i+1])
		e.Args[i] = parsed(fmt.Sprintf("mutate(%s, %s, %s)", k, a, b))
		e.Args[i+1] = parsed(fmt.Sprintf("mutate(%s, %s, %s)", k, b, a))
	}
}

// text is an expression in Go.
func text(e ast.Expr) string {
	var b strings.Builder
	if err := format.Node(&b, token.NewFileSet(), e); err != nil {
		return err.Error()
	}
	return b.String()
}

// parsed is the expression of a text. What cannot be parsed stays wrong, and the mutated build fails on it.
func parsed(code string) ast.Expr {
	e, err := parser.ParseExpr(code)
	if err != nil {
		return &ast.Ident{Name: "unparsable: " + code}
	}
	return e
}
