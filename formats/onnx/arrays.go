package onnx

import (
	"fmt"

	"depthwise.dev/formats/deploy"
)

// load adds the arrays of a layer under the names that they have in the native format, which are timm's.
func (b *builder) load(l deploy.Layer) error {
	if l.Weight != nil {
		t := tensor{l.Name + ".weight", float32Element, l.WeightShape(), l.Weight}
		if b.options.Float16 {
			t.element = float16Element
			if err := l.CheckFloat16(); err != nil {
				return fmt.Errorf("onnx: %w", err)
			}
		}
		b.array(t)
	}
	vector := func(name string, values []float32) {
		b.array(tensor{name, float32Element, []int64{int64(len(values))}, values})
	}
	if l.Bias != nil {
		vector(l.Name+".bias", l.Bias)
	}
	if n := l.BatchNorm; n != nil {
		vector(l.Norm.Name+".weight", n.Scale)
		vector(l.Norm.Name+".bias", n.Shift)
		vector(l.Norm.Name+".running_mean", n.Mean)
		vector(l.Norm.Name+".running_var", n.Variance)
	}
	return nil
}

func (b *builder) array(t tensor) {
	name := b.names.take(t.name)
	b.arrays[t.name] = name
	t.name = name
	b.graph.tensors = append(b.graph.tensors, t)
}

// parameters are the weight and the bias of a layer, as float32.
func (b *builder) parameters(l deploy.Layer) []string {
	weight := b.arrays[l.Name+".weight"]
	if b.options.Float16 {
		weight = b.bare("Cast", l.Name+".weight.float32", []string{weight}, toFloat32)
	}
	if l.Bias == nil {
		return []string{weight}
	}
	return []string{weight, b.arrays[l.Name+".bias"]}
}

// toFloat32 is the type that Cast converts to.
var toFloat32 = attribute{"to", int64(float32Element)}
