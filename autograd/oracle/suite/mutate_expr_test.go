//go:build !mutants

package suite_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// pairs are fields that are easily confused.
var pairs = map[string]string{"Top": "Left", "Left": "Top", "Bottom": "Right", "Right": "Bottom", "kh": "kw", "kw": "kh",
	"rows": "columns", "columns": "rows", "height": "width", "width": "height", "ins": "outs", "outs": "ins",
	"top": "left", "left": "top", "Before": "After", "After": "Before", "Mean": "Var", "Var": "Mean",
	"Weight": "Bias", "Bias": "Weight"}

// calls are the graph's operations, each with wrong ones in its place.
var calls = map[string][]string{
	"Add": {"g.Sub", "first"}, "Sub": {"g.Add", "first", "swapped(g.Sub)"}, "Mul": {"g.Div", "first"},
	"Div": {"g.Mul", "first", "swapped(g.Div)"}, "Matmul": {"swapped(g.Matmul)"},
	"Square": {"identity"}, "Sqrt": {"identity"}, "Exp": {"identity"}, "Log": {"identity"}, "Transpose": {"identity"},
}

// expr returns the expression with a choice for each of its parts.
func (m *mutator) expr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		e.X = m.expr(e.X)
	case *ast.BinaryExpr:
		return m.binary(e)
	case *ast.CallExpr:
		return m.call(e)
	case *ast.SelectorExpr:
		if other := cmp.Or(m.pairs[e.Sel.Name], pairs[e.Sel.Name]); other != "" {
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

// gradients swaps two nodes that are returned.
func (m *mutator) gradients(e ast.Expr) ast.Expr {
	if l, ok := e.(*ast.CompositeLit); ok && len(l.Elts) == 2 && strings.HasSuffix(text(l.Type), "Node") {
		return parsed(fmt.Sprintf("reversed(%s, %s)", m.plant(l, "gradients swapped"), text(l)))
	}
	return e
}

// literal mutates fields, except names and shapes.
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

// binary changes the sign or direction, and drops either side.
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

// shown is a change without the choices within it.
func shown(code string) string {
	if strings.Contains(code, "mutate(") {
		return "one side, or the sign"
	}
	return code
}

// call replaces an operation by another, exchanges neighboring indices, and negates factors.
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
			e.Args[2] = parsed(fmt.Sprintf("mutate(%s, float64(%s), 0)", m.plant(at, "term dropped"), b))
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

// exchange swaps any two neighboring arguments.
func (m *mutator) exchange(e *ast.CallExpr, at ast.Node) {
	for i := range len(e.Args) - 1 {
		k, a, b := m.plant(at, fmt.Sprintf("arguments %d and %d exchanged", i, i+1)), text(e.Args[i]), text(e.Args[i+1])
		e.Args[i] = parsed(fmt.Sprintf("mutate(%s, %s, %s)", k, a, b))
		e.Args[i+1] = parsed(fmt.Sprintf("mutate(%s, %s, %s)", k, b, a))
	}
}

// text is the source of an expression.
func text(e ast.Expr) string {
	var b strings.Builder
	if err := format.Node(&b, token.NewFileSet(), e); err != nil {
		return err.Error()
	}
	return b.String()
}

// parsed is the expression of a source text. One that cannot be parsed makes the mutated build
// fail.
func parsed(code string) ast.Expr {
	e, err := parser.ParseExpr(code)
	if err != nil {
		return &ast.Ident{Name: "unparsable: " + code}
	}
	return e
}
