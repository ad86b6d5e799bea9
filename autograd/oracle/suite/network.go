package suite

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models/mobilenet"
)

// A Network is the task of one training or evaluation pass through a whole network: logits, loss, the loss's gradient by
// every parameter and the images, and the running statistics afterwards.
type Network struct {
	Config    mobilenet.Config
	Mode      autograd.Mode
	Images    oracle.Array // (N, 3, R, R), R the configured resolution
	Labels    []int64
	Smoothing float64              // of the labels
	State     map[string][]float32 // every array of the network by name
}

// NewNetwork draws arrays for a configuration. They are not the initial ones: weights of one and running means of zero
// would hide errors. Dropout, which is random, is left out.
func NewNetwork(c mobilenet.Config, mode autograd.Mode, images oracle.Array, labels []int64) Network {
	c.Dropout = 0
	n := Network{Config: c, Mode: mode, Images: images, Labels: labels, Smoothing: 0.1, State: map[string][]float32{}}
	for _, in := range n.arrays() {
		values := make([]float32, len(in.Data))
		for i, v := range in.Data {
			values[i] = float32(v)
		}
		n.State[in.Name] = values
	}
	return n
}

// arrays are the network's inputs, images apart, with drawn values.
func (n Network) arrays() []Input {
	var list []Input
	for _, l := range n.Config.Layers() {
		list = append(list, n.layerArrays(l)...)
	}
	return list
}

// layerArrays are those of one layer and its normalization, in file order.
func (n Network) layerArrays(l mobilenet.Layer) []Input {
	var list []Input
	if shape := l.WeightShape(); shape != nil {
		fanIn := float64(oracle.Size(shape[1:]))
		bound := math.Sqrt(6 / fanIn) // He's for a uniform distribution: activations keep their size
		list = append(list, Input{Name: l.Name + ".weight", Array: Draw(l.Name+".weight", -bound, bound, shape...)})
	}
	if l.Bias {
		bias := Input{Name: l.Name + ".bias", Array: Draw(l.Name+".bias", -0.2, 0.2, int64(l.Out))}
		if l.Norm == "" || n.Mode == autograd.Training {
			bias.Like = l.Name + ".weight" // the head's: a sum over images that cancels with few classes
		}
		list = append(list, bias)
	}
	if l.Norm != "" {
		list = append(list, normInputs(l.Norm+".", oracle.Array{Shape: []int64{1, int64(l.Out), 1, 1}})[1:]...)
	}
	return list
}

// inputs are arrays with the network's own values.
func (n Network) inputs() ([]Input, error) {
	list := n.arrays()
	for i, in := range list {
		values, ok := n.State[in.Name]
		if !ok || len(values) != len(in.Data) {
			return nil, fmt.Errorf("suite: network: %s has %d values, want %d", in.Name, len(values), len(in.Data))
		}
		for j, v := range values {
			list[i].Data[j] = float64(v)
		}
	}
	return list, nil
}

// String names the task.
func (n Network) String() string {
	return fmt.Sprintf("%s, width %v, resolution %d, %d images, %s", n.Config.Variant, n.Config.Width, n.Config.Resolution,
		len(n.Labels), modeName(n.Mode))
}

// Activations counts the values between the layers of a network, all images together.
func Activations(c mobilenet.Config, images int) int64 {
	sum := int64(0)
	for _, l := range c.Layers() {
		sum += int64(l.Out) * int64(l.OutSize) * int64(l.OutSize) * int64(images)
	}
	return sum
}

// Network computes the task with mobilenet.Network.
func (t Torch) Network(ctx context.Context, n Network) (Result, error) {
	return t.NetworkBy(func(s *autograd.Scope, net *mobilenet.Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
		return net.Forward(s, x, mode)
	})(ctx, n)
}

// ValuesPerChannel is the number of values from which the last batch normalization of a network takes its statistics.
func ValuesPerChannel(c mobilenet.Config, images int) int {
	values := images
	for _, l := range c.Layers() {
		if l.Norm != "" {
			values = images * l.OutSize * l.OutSize
		}
	}
	return values
}

// A Forward computes a network's logits, in another way than Network.Forward perhaps, so that Backward leaves the
// gradients at its parameters and at x.
type Forward func(s *autograd.Scope, net *mobilenet.Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor

// NetworkBy is an engine's Network that computes with forward.
func (t Torch) NetworkBy(forward Forward) func(context.Context, Network) (Result, error) {
	return func(ctx context.Context, n Network) (r Result, err error) {
		err = autograd.Run(ctx, func(s *autograd.Scope) error {
			net := mobilenet.New(s, n.Config, 0)
			if s.Err() != nil {
				return s.Err()
			}
			if err := net.Load(s, n.State); err != nil {
				return err
			}
			if t.Parameters != autograd.Float32 {
				net.ToDType(s, t.Parameters)
			}
			images := s.RequireGrad(s.ChannelsLast(s.To(autograd.FromSlice(s, n.Images.Data, n.Images.Shape...), t.Parameters)))
			var logits *autograd.Tensor
			compute := autograd.Float32
			if t.Compute == autograd.BFloat16 {
				compute = autograd.BFloat16
			}
			if err := s.Autocast(compute, func(s *autograd.Scope) error {
				logits = s.Keep(forward(s, net, images, n.Mode))
				return s.Err()
			}); err != nil {
				return err
			}
			loss := autograd.CrossEntropy{LabelSmoothing: n.Smoothing}.Loss(s, logits, autograd.FromSlice(s, n.Labels, int64(len(n.Labels))))
			s.Backward(loss)
			r = n.read(s, net, logits, loss, images)
			return s.Err()
		})
		if err != nil {
			return nil, fmt.Errorf("suite: %v: libtorch: %w", n, err)
		}
		return r, nil
	}
}

// read collects what the pass has left.
func (n Network) read(s *autograd.Scope, net *mobilenet.Network, logits, loss, images *autograd.Tensor) Result {
	like := map[string]string{}
	for _, in := range n.arrays() {
		like[in.Name] = in.Like
	}
	r := Result{
		{Name: "logits", Kind: Output, Array: readOne(s, logits)},
		{Name: "loss", Kind: Output, Array: oracle.Array{Shape: []int64{1, 1}, Data: readOne(s, loss).Data}},
	}
	gradient := func(name string, t *autograd.Tensor) {
		v := Value{Name: name, Kind: Gradient, Array: oracle.Full(0, t.Shape()...), Like: like[name]}
		if g := s.Grad(t); g != nil {
			v.Array = readOne(s, g)
		}
		r = append(r, v)
	}
	gradient("images", images)
	for _, p := range net.Parameters() {
		gradient(p.Name, p.Tensor)
	}
	for _, b := range net.Buffers() {
		r = append(r, Value{Name: b.Name, Kind: Statistic, Array: readOne(s, b.Tensor)})
	}
	return r
}

// Network computes the task with oracle.Network. A panic in between is an error.
func (Gorgonia) Network(ctx context.Context, n Network) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("suite: %v: gorgonia panicked: %v", n, p)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inputs, err := n.inputs()
	if err != nil {
		return nil, err
	}
	g := oracle.NewGraph()
	images := g.Input(n.Images)
	net := oracle.Network{Config: n.Config, State: map[string]*oracle.Node{}}
	for _, in := range inputs {
		if in.Running {
			net.State[in.Name] = g.Constant(in.Array)
		} else {
			net.State[in.Name] = g.Input(in.Array)
		}
	}
	logits, moved := net.Forward(g, images, n.Mode == autograd.Training)
	outputs := []*oracle.Node{g.CrossEntropy(logits, oracle.OneHot(n.Labels, n.Config.Classes), n.Smoothing), logits}
	for _, in := range inputs {
		if in.Running {
			if m := moved[in.Name]; m != nil {
				outputs = append(outputs, m)
			} else {
				outputs = append(outputs, net.State[in.Name])
			}
		}
	}
	computed, err := g.Compute(outputs, []float64{1})
	if err != nil {
		return nil, fmt.Errorf("suite: %v: gorgonia: %w", n, err)
	}
	return networkResult(inputs, computed), nil
}

// networkResult names what the oracle has computed.
func networkResult(inputs []Input, computed oracle.Result) Result {
	r := Result{
		{Name: "loss", Kind: Output, Array: computed.Outputs[0]},
		{Name: "logits", Kind: Output, Array: computed.Outputs[1]},
		{Name: "images", Kind: Gradient, Array: computed.Gradients[0]},
	}
	statistics, gradients := computed.Outputs[2:], computed.Gradients[1:]
	for _, in := range inputs {
		if in.Running {
			r = append(r, Value{Name: in.Name, Kind: Statistic, Array: statistics[0]})
			statistics = statistics[1:]
		} else {
			r = append(r, Value{Name: in.Name, Kind: Gradient, Array: gradients[0], Like: in.Like})
			gradients = gradients[1:]
		}
	}
	return r
}
