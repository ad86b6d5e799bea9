package kerasmodel

import (
	"errors"
	"math"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// builder adds layers in an order of computation.
type builder struct {
	names      names
	config     *mobilenet.Config
	multiLabel bool
	layers     []*Layer
	outputs    map[string]*Layer // of each layer of the graph
	taken      map[string]bool   // names
	// notNegative has the graph's layers whose outputs are never below 0.
	notNegative map[string]bool
}

// probabilities is the activation that makes probabilities of logits.
func (b *builder) probabilities() string {
	if b.multiLabel {
		return "sigmoid"
	}
	return "softmax"
}

// add adds a layer.
func (b *builder) add(class, name string, config map[string]any, shape []int, inputs ...*Layer) *Layer {
	l := &Layer{Class: class, Name: b.unique(name), Config: config, Inputs: inputs, Shape: shape}
	b.layers = append(b.layers, l)
	return l
}

// layer adds what computes a layer of the graph.
func (b *builder) layer(l models.Layer, last bool) error {
	if a := l.Activation; a != nil && a.Function != models.ReLU && a.Function != models.ReLU6 {
		return errors.New("Keras export knows no activation function " + string(a.Function))
	}
	x := b.outputs[l.Inputs[0]]
	shape := kerasShape(l.Output)
	plain := func(class string, config map[string]any, inputs ...*Layer) {
		x = b.add(class, b.names(class, l, main), config, shape, inputs...)
	}
	switch l.Kind {
	case models.KindConv:
		x = b.conv(l, x)
	case models.KindBatchNorm:
	case models.KindActivation:
	case models.KindAdd:
		plain("Add", nil, x, b.outputs[l.Inputs[1]])
	case models.KindMaxPool:
		var err error
		if x, err = b.maxPool(l, x); err != nil {
			return err
		}
	case models.KindGlobalAvgPool:
		plain("GlobalAveragePooling2D", map[string]any{"keepdims": false}, x)
	case models.KindFlatten:
		if l.In.Spatial() && l.In.Positions() > 1 { // the graph flattens (channels, rows, columns)
			x = b.add("Permute", b.names("Permute", l, "permute"), map[string]any{"dims": []int{3, 1, 2}}, []int{l.In.Channels, l.In.Height, l.In.Width}, x)
		}
		plain("Flatten", nil, x)
	case models.KindDropout:
		plain("Dropout", map[string]any{"rate": l.Rate}, x)
	case models.KindLinear:
		x = b.linear(l, x, last)
	default:
		return errors.New("Keras export knows no layers of kind " + string(l.Kind))
	}
	b.finish(l, x, last)
	return nil
}

// finish adds the norm and the activation of a layer, and the softmax of the last one.
func (b *builder) finish(l models.Layer, x *Layer, last bool) {
	if l.Norm != nil {
		x = b.batchNorm(l, x)
	}
	if l.Activation != nil {
		config := map[string]any{"max_value": nil}
		if l.Activation.Function == models.ReLU6 {
			config["max_value"] = 6.0
		}
		p := activation
		if l.Kind == models.KindActivation {
			p = main
		}
		x = b.add("ReLU", b.names("ReLU", l, p), config, x.Shape, x)
	}
	if softmax := l.Kind == models.KindLinear && l.Activation == nil; last && !softmax {
		x = b.add("Activation", "predictions", map[string]any{"activation": b.probabilities()}, x.Shape, x)
	}
	b.outputs[l.Name] = x
	b.notNegative[l.Name] = l.Activation != nil || b.keepsSign(l)
}

// keepsSign reports whether a layer without activation gives no negative values because none of its inputs has any.
func (b *builder) keepsSign(l models.Layer) bool {
	switch l.Kind {
	case models.KindAdd:
		return b.notNegative[l.Inputs[0]] && b.notNegative[l.Inputs[1]]
	case models.KindMaxPool, models.KindGlobalAvgPool, models.KindFlatten, models.KindDropout:
		return b.notNegative[l.Inputs[0]]
	}
	return false
}

// conv adds a convolution with its padding.
func (b *builder) conv(l models.Layer, x *Layer) *Layer {
	x, padding := b.padded(l, x)
	class, config := "Conv2D", map[string]any{"filters": l.Out, "groups": l.Groups}
	kernel := []int{l.Kernel, l.Kernel, l.In.Channels / l.Groups, l.Out}
	if l.Depthwise() || l.In.Channels == 1 && b.config != nil && isDepthwiseName(l.Name) {
		class, config = "DepthwiseConv2D", map[string]any{"depth_multiplier": l.Out / l.In.Channels}
		kernel = []int{l.Kernel, l.Kernel, l.In.Channels, l.Out / l.In.Channels}
	}
	config["kernel_size"], config["strides"] = []int{l.Kernel, l.Kernel}, []int{l.Stride, l.Stride}
	config["padding"], config["use_bias"] = padding, l.Bias
	layer := b.add(class, b.names(class, l, main), config, kerasShape(l.Output), x)
	layer.weights(l, kernel)
	return layer
}

// weights adds the variables of a convolution or a Dense layer.
func (layer *Layer) weights(l models.Layer, kernel []int) {
	layer.Variables = []Variable{{Name: "kernel", Array: l.Name + ".weight", Shape: kernel, depthwise: layer.Class == "DepthwiseConv2D"}}
	if l.Bias {
		layer.Variables = append(layer.Variables, Variable{Name: "bias", Array: l.Name + ".bias", Shape: []int{l.Out}})
	}
}

// padded adds the zeros around a convolution's input, and returns Keras' padding of the convolution on it.
func (b *builder) padded(l models.Layer, x *Layer) (*Layer, string) {
	if l.Padding == models.Same || l.Padding == models.Symmetric && l.Stride == 1 && l.Kernel%2 == 1 && l.Kernel > 1 {
		return x, "same" // at stride 1 and odd kernels these are the same
	}
	return b.zeros(l, x), "valid"
}

// zeros pads as the layer says.
func (b *builder) zeros(l models.Layer, x *Layer) *Layer {
	rows, columns := l.Pads(l.In.Height, l.In.Width)
	if rows == (models.Pad{}) && columns == (models.Pad{}) {
		return x
	}
	shape := []int{l.In.Height + rows.Before + rows.After, l.In.Width + columns.Before + columns.After, l.In.Channels}
	config := map[string]any{"padding": [][]int{{rows.Before, rows.After}, {columns.Before, columns.After}}}
	return b.add("ZeroPadding2D", b.names("ZeroPadding2D", l, pad), config, shape, x)
}

// batchNorm adds a batch norm. Keras' momentum is the weight of the old value, the graph's that of the new one.
func (b *builder) batchNorm(l models.Layer, x *Layer) *Layer {
	const digits = 1e12 // 1 - 0.0003 is 0.9997
	config := map[string]any{"axis": -1, "epsilon": l.Norm.Eps, "momentum": math.Round((1-l.Norm.Momentum)*digits) / digits}
	layer := b.add("BatchNormalization", b.names("BatchNormalization", l, norm), config, x.Shape, x)
	for _, v := range [][2]string{{"gamma", ".weight"}, {"beta", ".bias"}, {"moving_mean", ".running_mean"}, {"moving_variance", ".running_var"}} {
		layer.Variables = append(layer.Variables, Variable{Name: v[0], Array: l.Norm.Name + v[1], Shape: []int{l.Output.Channels}})
	}
	return layer
}
