package peers

import (
	"fmt"
	"slices"

	"depthwise.dev/checkpoints"
)

// shapes are those that an array may have in the file, the usual one first.
func (p place) shapes() [][]int {
	own := make([]int, len(p.array.Shape))
	for i, d := range p.array.Shape {
		own[i] = int(d)
	}
	switch p.kind {
	case kernel:
		return [][]int{{own[2], own[3], own[1], own[0]}}
	case depthwise:
		return [][]int{{own[2], own[3], own[0], 1}}
	case dense: // the head of keras.applications.MobileNet is a 1x1 convolution
		return [][]int{{own[1], own[0]}, {1, 1, own[1], own[0]}}
	}
	if len(own) == 2 { // a head that is a 1x1 convolution
		return [][]int{own, {own[0], own[1], 1, 1}}
	}
	return [][]int{own}
}

// convert brings the values to the layout of the graph.
func (p place) convert(v []float32) []float32 {
	switch p.kind {
	case kernel, depthwise, dense:
		return transposed(v, int(p.array.Shape[0]), max(p.layer.Kernel*p.layer.Kernel, 1))
	}
	return v
}

// transposed brings a kernel from (H, W, in, out) to (out, in, H, W), one of a depthwise convolution from (H, W, C, 1)
// to (C, 1, H, W), and one of a dense layer from (in, out) to (out, in). positions is H*W.
func transposed(v []float32, out, positions int) []float32 {
	in := len(v) / (positions * out)
	result := make([]float32, len(v))
	for p := range positions {
		for i := range in {
			for o := range out {
				result[(o*in+i)*positions+p] = v[(p*in+i)*out+o]
			}
		}
	}
	return result
}

// find returns the array of a place; nil if the file has none.
func (p place) find(byName map[string]*named) *named {
	for _, name := range p.names {
		if a := byName[name]; a != nil {
			return a
		}
	}
	return nil
}

func index(arrays []named) map[string]*named {
	byName := make(map[string]*named, len(arrays))
	for i := range arrays {
		byName[arrays[i].name] = &arrays[i]
	}
	return byName
}

// compare returns the differences between the network's arrays and the file's; nil if there are none.
func (m *match) compare(arrays []named) *misfit {
	var d misfit
	byName, used := index(arrays), map[string]bool{}
	for _, p := range m.scheme.places(m.graph) {
		a, shapes := p.find(byName), p.shapes()
		switch {
		case a == nil:
			d.missing = append(d.missing, row{p.names[0], shapeText(shapes[0])})
			continue
		case !slices.ContainsFunc(shapes, func(s []int) bool { return slices.Equal(s, a.Shape) }):
			d.shapes = append(d.shapes, row{a.Name, fmt.Sprintf("%s, expected %s", shapeText(a.Shape), shapeText(shapes[0]))})
		}
		used[a.name] = true
	}
	for _, a := range arrays {
		if !used[a.name] {
			d.unexpected = append(d.unexpected, row{a.Name, shapeText(a.Shape)})
		}
	}
	if d.count() == 0 {
		return nil
	}
	return &d
}

// arrays maps the arrays of a file that fits.
func (m *match) arrays(arrays []named) ([]checkpoints.Array, error) {
	if d := m.compare(arrays); d != nil {
		return nil, d.error(m.config.String())
	}
	byName := index(arrays)
	var list []checkpoints.Array
	for _, p := range m.scheme.places(m.graph) {
		a := p.find(byName)
		shape := make([]int, len(p.array.Shape))
		for i, d := range p.array.Shape {
			shape[i] = int(d)
		}
		mapped, err := checkpoints.NewArray(p.array.Name, p.convert(a.Values), shape...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Name, err)
		}
		list = append(list, mapped)
	}
	return list, nil
}
