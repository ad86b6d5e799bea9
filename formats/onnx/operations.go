package onnx

import (
	"cmp"
	"fmt"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// operations has the nodes of each kind of layers, without batch norm and activation: a function that adds them and returns
// the result. Dropout has been left out by package deploy.
// https://github.com/onnx/onnx/blob/v1.12.0/docs/Operators.md
var operations = map[models.Kind]func(b *builder, l deploy.Layer, inputs []string) string{
	models.KindConv:       conv,
	models.KindBatchNorm:  func(_ *builder, _ deploy.Layer, inputs []string) string { return inputs[0] },
	models.KindActivation: func(_ *builder, _ deploy.Layer, inputs []string) string { return inputs[0] },
	models.KindAdd: func(b *builder, l deploy.Layer, inputs []string) string {
		return b.node("Add", l.Name, shapeOf(l.Output), inputs)
	},
	models.KindMaxPool:       maxPool,
	models.KindGlobalAvgPool: globalAvgPool,
	models.KindFlatten: func(b *builder, l deploy.Layer, inputs []string) string { // (N, C, H, W) in this order
		return b.node("Flatten", l.Name, shapeOf(l.Output), inputs, attribute{"axis", int64(1)})
	},
	models.KindLinear: linear,
}

func unsupported(l deploy.Layer, what string) error {
	return fmt.Errorf("onnx: layer %q: %s are not exported; use --format safetensors", l.Name, what)
}

// shapeOf is the shape of one image's activations.
func shapeOf(s models.Shape) []int64 {
	if !s.Spatial() {
		return []int64{int64(s.Channels)}
	}
	return []int64{int64(s.Channels), int64(s.Height), int64(s.Width)}
}

// pads are those of both axes before, then of both after.
func pads(l deploy.Layer) attribute {
	return attribute{"pads", []int64{int64(l.Rows.Before), int64(l.Columns.Before), int64(l.Rows.After), int64(l.Columns.After)}}
}

func square(name string, side int) attribute {
	return attribute{name, []int64{int64(side), int64(side)}}
}

func conv(b *builder, l deploy.Layer, inputs []string) string {
	return b.node("Conv", l.Name, shapeOf(l.Output), append(inputs, b.parameters(l)...),
		square("dilations", 1), attribute{"group", int64(l.Groups)}, square("kernel_shape", l.Kernel), pads(l), square("strides", l.Stride))
}

// maxPool: ONNX ignores padded positions, as PyTorch.
func maxPool(b *builder, l deploy.Layer, inputs []string) string {
	return b.node("MaxPool", l.Name, shapeOf(l.Output), inputs, square("kernel_shape", l.Kernel), pads(l), square("strides", l.Stride))
}

func globalAvgPool(b *builder, l deploy.Layer, inputs []string) string {
	pooled := b.node("GlobalAveragePool", l.Name, []int64{int64(l.Output.Channels), 1, 1}, inputs)
	return b.node("Flatten", l.Name+".flatten", shapeOf(l.Output), []string{pooled}, attribute{"axis", int64(1)})
}

func linear(b *builder, l deploy.Layer, inputs []string) string {
	return b.node("Gemm", l.Name, shapeOf(l.Output), append(inputs, b.parameters(l)...), attribute{"transB", int64(1)})
}

// batchNorm is the inference form.
func (b *builder) batchNorm(l deploy.Layer, input string) string {
	inputs := []string{input}
	for _, array := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
		inputs = append(inputs, b.arrays[l.Norm.Name+array])
	}
	return b.node("BatchNormalization", l.Norm.Name, shapeOf(l.Output), inputs, attribute{"epsilon", float32(l.BatchNorm.Eps)})
}

// activationName is the name of the node of an activation function.
func activationName(l deploy.Layer) string {
	if l.Kind == models.KindActivation {
		return l.Name
	}
	return cmp.Or(l.Activation.Name, l.Name+"."+string(l.Function()))
}
