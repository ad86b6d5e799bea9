package suite

import (
	"fmt"
	"math"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models"
)

// A Network is the task of one training or evaluation pass through a whole network: logits, loss,
// the loss's gradient with respect to every parameter and the images, and the running statistics
// afterwards. Make one with [NewNetwork].
type Network struct {
	Graph     *models.Graph // without dropout
	Mode      autograd.Mode
	Images    oracle.Array // (N, C, H, W), of the graph's input size
	Labels    []int64
	Smoothing float64              // of the labels
	State     map[string][]float32 // every array of the network by name
}

// NoiseNetwork is NewNetwork with noise as images and classes in turn as labels.
func NoiseNetwork(g *models.Graph, mode autograd.Mode, images int) Network {
	labels := make([]int64, images)
	for i := range labels {
		labels[i] = int64(3*i+2) % int64(g.Classes())
	}
	x := Draw("images", -2, 2, int64(images), int64(g.Input.Channels), int64(g.Input.Height), int64(g.Input.Width))
	return NewNetwork(g, mode, x, labels)
}

// NewNetwork draws arrays for a graph. They are not the initial ones: weights of one and running
// means of zero would hide errors. Dropout is random, so its rate is set to 0.
func NewNetwork(g *models.Graph, mode autograd.Mode, images oracle.Array, labels []int64) Network {
	n := Network{Graph: withoutDropout(g), Mode: mode, Images: images, Labels: labels, Smoothing: 0.1, State: map[string][]float32{}}
	for _, in := range n.arrays() {
		values := make([]float32, len(in.Data))
		for i, v := range in.Data {
			values[i] = float32(v)
		}
		n.State[in.Name] = values
	}
	return n
}

// withoutDropout is g with dropout rates of 0.
func withoutDropout(g *models.Graph) *models.Graph {
	plain := *g
	plain.Layers = slices.Clone(g.Layers)
	for i := range plain.Layers {
		plain.Layers[i].Rate = 0
	}
	return &plain
}

// arrays are the network's arrays with drawn values, in file order.
func (n Network) arrays() []Input {
	var list []Input
	for _, l := range n.Graph.Layers {
		list = append(list, n.layerArrays(l)...)
	}
	return list
}

// layerArrays are those of one layer and its batch norm. In training, a batch norm removes what is
// added to all values of a channel before it. The gradients of such biases are zero except for
// rounding: those of a convolution, and those of a batch norm that no activation follows, because
// the next convolution of MobileNet v2 has a batch norm too. The gradient of a linear layer's bias
// is a sum over images that cancels when there are few classes.
func (n Network) layerArrays(l models.Layer) []Input {
	var list []Input
	if shape := l.WeightShape(); shape != nil {
		fanIn := float64(oracle.Size(shape[1:]))
		limit := math.Sqrt(6 / fanIn) // He's for a uniform distribution: activations keep their size
		list = append(list, Input{Name: l.Name + ".weight", Array: Draw(l.Name+".weight", -limit, limit, shape...)})
	}
	if l.Bias {
		bias := Input{Name: l.Name + ".bias", Array: Draw(l.Name+".bias", -0.2, 0.2, int64(l.Out))}
		if l.Norm == nil || n.Mode == autograd.Training {
			bias.ScaleFrom = l.Name + ".weight"
		}
		list = append(list, bias)
	}
	if l.Norm != nil {
		norm := normInputs(l.Norm.Name+".", oracle.Array{Shape: []int64{1, int64(l.Output.Channels), 1, 1}})[1:]
		if weight, bias := norm[0], &norm[1]; l.Activation == nil && n.Mode == autograd.Training {
			bias.ScaleFrom = weight.Name
		}
		list = append(list, norm...)
	}
	return list
}

// inputs are the arrays with the values of State.
func (n Network) inputs() ([]Input, error) {
	list := n.arrays()
	for i, in := range list {
		values, ok := n.State[in.Name]
		if !ok || len(values) != len(in.Data) {
			return nil, fmt.Errorf("suite: %v: State has %d values for %s, want %d", n, len(values), in.Name, len(in.Data))
		}
		for j, v := range values {
			list[i].Data[j] = float64(v)
		}
	}
	return list, nil
}

// String names the task.
func (n Network) String() string {
	return fmt.Sprintf("%v, %d images, %s", n.Graph, len(n.Labels), modeName(n.Mode))
}

// Activations is the number of values between the layers of a graph, all images together.
func Activations(g *models.Graph, images int) int64 {
	values := int64(0)
	for _, l := range g.Layers {
		if l.Kind != models.KindDropout {
			values += l.Output.Values() * int64(images)
		}
	}
	return values
}

// ValuesPerChannel is the smallest number of values from which a batch norm of the graph computes
// its statistics; math.MaxInt32 if there is no batch norm.
func ValuesPerChannel(g *models.Graph, images int) int {
	values := math.MaxInt32
	for _, l := range g.Layers {
		if l.Norm != nil {
			values = min(values, images*int(l.Output.Positions()))
		}
	}
	return values
}

// minChannels is the smallest number of channels of a batch norm; math.MaxInt32 if there is no
// batch norm.
func minChannels(g *models.Graph) int {
	channels := math.MaxInt32
	for _, l := range g.Layers {
		if l.Norm != nil {
			channels = min(channels, l.Output.Channels)
		}
	}
	return channels
}
