package onnx

import (
	"fmt"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// input adds the input, and in front of the layers what makes it that of the first one.
func (b *builder) input(n deploy.Network) error {
	p, in := n.Preprocess, n.Input
	if !b.options.Uint8Input {
		doc := fmt.Sprintf("Images of %d channels", in.Channels)
		if in.Channels == len(p.Mean) {
			doc = fmt.Sprintf("RGB images, (pixel / 255 - mean) / std with mean %v and std %v", p.Mean, p.Std)
		}
		b.graph.input = value{inputName, float32Element, shapeOf(in), doc}
		b.results[models.InputName] = inputName
		return nil
	}
	if err := deploy.CheckPixels(in, p); err != nil {
		return err
	}
	b.graph.input = value{inputName, uint8Element, []int64{int64(in.Height), int64(in.Width), int64(in.Channels)}, "RGB images, uint8"}
	b.results[models.InputName] = b.normalize(p.Mean, p.Std, shapeOf(in))
	return nil
}

// normalize computes (pixel/255 - mean) / std as training does, operation by operation in float32, so that the first layer
// reads the same bits. It is not folded into a convolution: the zeros that pad a convolution are zeros of normalized values,
// which a folded mean would change. The transposition comes first, while a pixel is three bytes.
func (b *builder) normalize(mean, std [3]float64, shape []int64) string {
	step := func(operation, name string, inputs ...string) string {
		return b.node(operation, inputName+"."+name, shape, inputs)
	}
	perChannel := func(name string, v [3]float64) string {
		return b.constant(inputName+"."+name, []float32{float32(v[0]), float32(v[1]), float32(v[2])}, 3, 1, 1)
	}
	planes := b.bare("Transpose", inputName+".planes", []string{inputName}, attribute{"perm", []int64{0, 3, 1, 2}})
	x := b.node("Cast", inputName+".float", shape, []string{planes}, toFloat32)
	x = step("Div", "unit", x, b.constant(inputName+".scale", []float32{255}))
	x = step("Sub", "centered", x, perChannel("mean", mean))
	return step("Div", "normalized", x, perChannel("std", std))
}
