// Package deploy prepares trained weights for formats that hold the operations of a network: a list of layers for
// inference with explicit padding and their arrays, batch norm folded. It needs no libtorch.
package deploy

import (
	"fmt"
	"math"

	"depthwise.dev/data"
	"depthwise.dev/internal/floats"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// Network is a network for inference. Layers are in the order of computation; the last one gives the logits.
type Network struct {
	Name       string
	Input      models.Shape // of one image
	Layers     []Layer
	Classes    []string // in the order of the logits
	Preprocess data.Preprocess
}

// Layer is a layer of [models.Graph] with its arrays. There are no layers of kind dropout: what read one reads its input.
type Layer struct {
	models.Layer
	// Rows and Columns are the zeros that a convolution or a pool adds around its input; of the minimum of float32, not
	// zeros, around that of a max pool.
	Rows, Columns models.Pad
	// Weight is that of a convolution, (out, in/groups, kernel, kernel), or a linear layer, (out, in); nil of others.
	Weight []float32
	// Bias has a value per output channel; nil if all are zero and the layer has none.
	Bias []float32
	// BatchNorm is applied to the result, before the activation; nil where there is none or it was folded into Weight and
	// Bias. Layer.Norm is nil then too.
	BatchNorm *BatchNorm
}

// BatchNorm holds the arrays of a batch normalization, a value per channel:
// y = (x - Mean) / sqrt(Variance + Eps) * Scale + Shift.
type BatchNorm struct {
	Eps                          float64
	Scale, Shift, Mean, Variance []float32
}

// Affine returns the same function as y = x*scale + shift, computed in float64. The conversions of products round them, so
// that processors with fused multiply-add give the same bits.
func (b BatchNorm) Affine() (scale, shift []float64) {
	scale, shift = make([]float64, len(b.Scale)), make([]float64, len(b.Scale))
	for i := range scale {
		scale[i] = float64(b.Scale[i]) / math.Sqrt(float64(b.Variance[i])+b.Eps)
		shift[i] = float64(b.Shift[i]) - float64(float64(b.Mean[i])*scale[i])
	}
	return scale, shift
}

// Function is the layer's activation function, "" without one.
func (l Layer) Function() models.Function {
	if l.Activation == nil {
		return ""
	}
	return l.Activation.Function
}

// CheckPixels returns an error if pixels cannot be the input of a network: (pixel/255 - mean) / std has three channels, and
// needs a finite mean and a finite std above 0, which weights of a caller's own graph may lack.
func CheckPixels(input models.Shape, p data.Preprocess) error {
	if input.Channels != len(p.Mean) {
		return fmt.Errorf("deploy: pixels as input need a network of 3 channels, this one has %d: export it with --uint8-input=false", input.Channels)
	}
	for i, mean := range p.Mean {
		if std := p.Std[i]; !(std > 0) || math.IsInf(std, 0) || math.IsNaN(mean) || math.IsInf(mean, 0) {
			return fmt.Errorf("deploy: pixels cannot be normalized by the mean %v and std %v in the weights: set weights.Weights.Preprocess, or export them with --uint8-input=false", p.Mean, p.Std)
		}
	}
	return nil
}

// CheckFloat16 returns an error if float16 cannot hold a finite value of the layer's weight.
func (l Layer) CheckFloat16() error {
	for _, v := range l.Weight {
		if math.IsInf(float64(floats.Half(floats.ToHalf(v))), 0) && !math.IsInf(float64(v), 0) {
			return fmt.Errorf("deploy: array %q holds %g, float16 at most 65504: export it with --dtype fp32", l.Name+".weight", v)
		}
	}
	return nil
}

// Options are the options of [New].
type Options struct {
	// KeepBatchNorm leaves batch norms as they are. Otherwise those that follow a convolution are folded into it.
	KeepBatchNorm bool
}

// New prepares weights. It copies what it changes; other arrays are those of w.
func New(w weights.Weights, o Options) (Network, error) {
	values, err := w.Values()
	if err != nil {
		return Network{}, err
	}
	n := Network{Name: w.Graph.Name, Input: w.Graph.Input, Classes: w.Classes, Preprocess: w.Preprocess}
	replaced := map[string]string{} // the input of each dropout layer
	for _, source := range w.Graph.Layers {
		l := Layer{Layer: source}
		l.Inputs = make([]string, len(source.Inputs))
		for i, name := range source.Inputs {
			l.Inputs[i] = name
			if input, ok := replaced[name]; ok {
				l.Inputs[i] = input
			}
		}
		if l.Kind == models.KindDropout {
			if l.Activation == nil {
				replaced[l.Name] = l.Inputs[0]
				continue
			}
			l.Kind, l.Rate = models.KindActivation, 0
		}
		if err := l.load(values); err != nil {
			return Network{}, err
		}
		if !o.KeepBatchNorm {
			l.fold()
		}
		n.Layers = append(n.Layers, l)
	}
	return n, nil
}

// load takes the layer's arrays and pads.
func (l *Layer) load(values map[string][]float32) error {
	if l.Windowed() {
		l.Rows, l.Columns = l.Pads(l.In.Height, l.In.Width)
	}
	for _, a := range l.Arrays() {
		if len(values[a.Name]) != a.Size() {
			return fmt.Errorf("deploy: array %q has %d values, want %d", a.Name, len(values[a.Name]), a.Size())
		}
	}
	if l.WeightShape() != nil {
		l.Weight = values[l.Name+".weight"]
	}
	if l.Layer.Bias {
		l.Bias = values[l.Name+".bias"]
	}
	if l.Norm != nil {
		array := func(name string) []float32 { return values[l.Norm.Name+name] }
		l.BatchNorm = &BatchNorm{l.Norm.Eps, array(".weight"), array(".bias"), array(".running_mean"), array(".running_var")}
	}
	return nil
}

// fold computes the batch norm of a convolution into its weight and bias, in float64, rounded once.
func (l *Layer) fold() {
	if l.Kind != models.KindConv || l.BatchNorm == nil {
		return
	}
	scale, shift := l.BatchNorm.Affine()
	weight, bias := make([]float32, len(l.Weight)), make([]float32, l.Out)
	each := len(l.Weight) / l.Out
	for o := range l.Out {
		for i := o * each; i < (o+1)*each; i++ {
			weight[i] = float32(float64(l.Weight[i]) * scale[o])
		}
		b := 0.0
		if l.Bias != nil {
			b = float64(l.Bias[o])
		}
		bias[o] = float32(float64(b*scale[o]) + shift[o])
	}
	l.Weight, l.Bias, l.BatchNorm, l.Norm = weight, bias, nil, nil
}
