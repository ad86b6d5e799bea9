package tflite

import (
	"fmt"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// The names of the network's input and output.
const (
	inputName  = "input"
	outputName = "logits"
)

// converter turns a network into a model. Activations are (batch, rows, columns, channels).
type converter struct {
	*model
	float16 bool
	results map[string]int32 // the tensor of each layer's result
	last    string           // the layer that gives the logits
}

// operations has the conversion of each kind of layers, without the activation where that cannot be a part of an operator.
var operations = map[models.Kind]func(*converter, deploy.Layer) error{
	models.KindConv:          (*converter).conv,
	models.KindBatchNorm:     (*converter).batchNorm,
	models.KindActivation:    (*converter).activation,
	models.KindAdd:           (*converter).sum,
	models.KindMaxPool:       (*converter).maxPool,
	models.KindGlobalAvgPool: (*converter).globalAvgPool,
	models.KindFlatten:       (*converter).flatten,
	models.KindLinear:        (*converter).linear,
}

// convert adds the network's layers to an empty model.
func convert(n deploy.Network, o Options) (*model, error) {
	c := &converter{model: newModel(), float16: o.Float16, results: map[string]int32{}, last: n.Layers[len(n.Layers)-1].Name}
	c.names[inputName], c.names[outputName] = true, true
	if err := c.image(n, o.Uint8Input); err != nil {
		return nil, err
	}
	for _, l := range n.Layers {
		operation, ok := operations[l.Kind]
		if !ok {
			return nil, fmt.Errorf("tflite: layer %q: TensorFlow Lite has no operator for the kind %s; export to another format", l.Name, l.Kind)
		}
		if f := l.Function(); f != "" && f != models.ReLU && f != models.ReLU6 {
			return nil, fmt.Errorf("tflite: layer %q: the activation function %s is not exported; export to another format", l.Name, f)
		}
		if err := operation(c, l); err != nil {
			return nil, fmt.Errorf("tflite: layer %q: %w", l.Name, err)
		}
	}
	c.output = c.results[c.last]
	return c.model, nil
}

// image adds the input: normalized values, or pixels and their normalization.
func (c *converter) image(n deploy.Network, pixels bool) error {
	t := tensor{name: inputName, shape: batchOf(n.Input), batched: true}
	if !pixels {
		c.input = c.add(t)
		c.results[models.InputName] = c.input
		return nil
	}
	if err := deploy.CheckPixels(n.Input, n.Preprocess); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	t.element = typeUint8
	c.input = c.add(t)
	cast := c.operate(opCast, []int32{c.input}, c.value("pixels", n.Input), narrow(castFrom, typeUint8), narrow(castTo, typeFloat32))
	scale, shift := make([]float64, 3), make([]float64, 3)
	for i, std := range n.Preprocess.Std {
		scale[i], shift[i] = 1/(255*std), -n.Preprocess.Mean[i]/std
	}
	c.results[models.InputName] = c.affine("normalization", cast, n.Input, scale, shift, activationNone, c.value("normalized", n.Input))
	return nil
}

// affine adds y = x*scale + shift, by channel.
func (c *converter) affine(name string, x int32, shape models.Shape, scale, shift []float64, a activation, y int32) int32 {
	parameter := func(kind string, values []float64) int32 {
		return c.constant(name+kind, typeFloat32, []int32{int32(len(values))}, float32s(len(values), func(i int) float32 { return float32(values[i]) }))
	}
	product := c.operate(opMul, []int32{x, parameter(".scale", scale)}, c.value(name+"/scaled", shape))
	return c.operate(opAdd, []int32{product, parameter(".shift", shift)}, y, narrow(denseActivation, a))
}

func (c *converter) batchNorm(l deploy.Layer) error {
	scale, shift := l.BatchNorm.Affine()
	c.affine(l.Name, c.read(l, 0), l.Output, scale, shift, fused(l), c.result(l))
	return nil
}

func (c *converter) activation(l deploy.Layer) error {
	c.activate(l, c.read(l, 0))
	return nil
}

// activate adds the layer's activation function as an operator, which gives the layer's result.
func (c *converter) activate(l deploy.Layer, x int32) {
	operator := opReLU
	if l.Function() == models.ReLU6 {
		operator = opReLU6
	}
	c.operate(operator, []int32{x}, c.result(l))
}

// unfused adds an operator that has no activation function of its own, and the layer's behind it.
func (c *converter) unfused(l deploy.Layer, operator code, inputs []int32, fields ...field) {
	if l.Activation == nil {
		c.operate(operator, inputs, c.result(l), fields...)
		return
	}
	c.activate(l, c.operate(operator, inputs, c.value(l.Name+"/before", l.Output), fields...))
}

func (c *converter) sum(l deploy.Layer) error {
	c.operate(opAdd, []int32{c.read(l, 0), c.read(l, 1)}, c.result(l), narrow(denseActivation, fused(l)))
	return nil
}

func (c *converter) globalAvgPool(l deploy.Layer) error {
	axes := c.constant(l.Name+"/axes", typeInt32, []int32{2}, int32s(1, 2))
	c.unfused(l, opMean, []int32{c.read(l, 0), axes})
	return nil
}

// flatten orders values by (channel, row, column), as weights of the linear layer behind it are.
func (c *converter) flatten(l deploy.Layer) error {
	x := c.read(l, 0)
	if l.In.Channels > 1 && l.In.Positions() > 1 {
		order := c.constant(l.Name+"/order", typeInt32, []int32{4}, int32s(0, 3, 1, 2))
		shape := []int32{1, int32(l.In.Channels), int32(l.In.Height), int32(l.In.Width)}
		transposed := c.add(tensor{name: c.unique(l.Name + "/transposed"), shape: shape, batched: true})
		x = c.operate(opTranspose, []int32{x, order}, transposed)
	}
	shape := c.constant(l.Name+"/shape", typeInt32, []int32{2}, int32s(-1, int32(l.Output.Channels)))
	c.unfused(l, opReshape, []int32{x, shape})
	return nil
}

func (c *converter) linear(l deploy.Layer) error {
	shape := []int32{int32(l.Out), int32(l.In.Channels)}
	weight, err := c.weight(l, shape, func(i int) float32 { return l.Weight[i] })
	if err != nil {
		return err
	}
	c.operate(opFullyConnected, []int32{c.read(l, 0), weight, c.bias(l)}, c.result(l), narrow(denseActivation, fused(l)))
	return nil
}

// weight adds the layer's weight, value i of a shape from at. A float16 one is widened by an operator, which
// runtimes compute once or leave out: the form of TensorFlow's float16 quantization.
func (c *converter) weight(l deploy.Layer, shape []int32, at func(i int) float32) (int32, error) {
	name := l.Name + ".weight"
	if !c.float16 {
		return c.constant(name, typeFloat32, shape, float32s(len(l.Weight), at)), nil
	}
	if err := l.CheckFloat16(); err != nil {
		return 0, err
	}
	half := c.constant(name, typeFloat16, shape, float16s(len(l.Weight), at))
	wide := c.operate(opDequantize, []int32{half}, c.add(tensor{name: c.unique(name + "/float32"), shape: shape}))
	c.operators[len(c.operators)-1].version = versionDequantize
	return wide, nil
}

// bias adds the layer's bias, zeros where it has none: not all runtimes accept operators without.
func (c *converter) bias(l deploy.Layer) int32 {
	return c.constant(l.Name+".bias", typeFloat32, []int32{int32(l.Out)}, float32s(l.Out, func(i int) float32 {
		if l.Bias == nil {
			return 0
		}
		return l.Bias[i]
	}))
}

// read is the tensor of an input of the layer.
func (c *converter) read(l deploy.Layer, i int) int32 { return c.results[l.Inputs[i]] }

// result adds the tensor of the layer's result.
func (c *converter) result(l deploy.Layer) int32 {
	name := outputName
	if l.Name != c.last {
		name = c.unique(l.Name)
	}
	t := c.add(tensor{name: name, shape: batchOf(l.Output), batched: true})
	c.results[l.Name] = t
	return t
}

// value adds a tensor of activations between two operators of a layer.
func (c *converter) value(name string, s models.Shape) int32 {
	return c.add(tensor{name: c.unique(name), shape: batchOf(s), batched: true})
}

// batchOf is the shape of one image's activations: (1, rows, columns, channels), or (1, channels).
func batchOf(s models.Shape) []int32 {
	if !s.Spatial() {
		return []int32{1, int32(s.Channels)}
	}
	return []int32{1, int32(s.Height), int32(s.Width), int32(s.Channels)}
}

// fused is the layer's activation as a part of an operator.
func fused(l deploy.Layer) activation {
	switch l.Function() {
	case models.ReLU:
		return activationReLU
	case models.ReLU6:
		return activationReLU6
	}
	return activationNone
}

// narrow is a field of 8 bits.
func narrow[T ~int8](slot int, value T) field { return field{slot, int32(value), true} }

// wide is a field of 32 bits.
func wide(slot, value int) field { return field{slot, int32(value), false} }
