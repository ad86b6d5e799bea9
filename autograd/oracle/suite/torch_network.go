package suite

import (
	"cmp"
	"context"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/backend"
)

// Network returns an engine's Network that computes with a backend: forward pass, loss and backward
// pass.
func (t Torch) Network(b backend.Backend) func(context.Context, Network) (Result, error) {
	return func(ctx context.Context, n Network) (r Result, err error) {
		err = autograd.Run(ctx, func(s *autograd.Scope) error {
			r, err = t.pass(s, b, n)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("suite: %v: backend %s: %w", n, b.Name(), err)
		}
		return r, nil
	}
}

// pass computes the task once.
func (t Torch) pass(s *autograd.Scope, b backend.Backend, n Network) (Result, error) {
	net := backend.New(s, n.Graph, 0)
	if err := net.Load(s, n.State); err != nil {
		return nil, err
	}
	if t.Parameters != autograd.Float32 {
		net.ToDType(s, t.Parameters)
	}
	if t.Device != nil {
		net.To(s, *t.Device)
	}
	pixels := t.place(s, s.To(autograd.FromSlice(s, n.Images.Data, n.Images.Shape...), t.Parameters))
	images := s.RequireGrad(s.ChannelsLast(pixels))
	var logits *autograd.Tensor
	if err := s.Autocast(t.autocast(t.Compute), func(s *autograd.Scope) error {
		logits = s.Keep(b.Forward(s, net, images, n.Mode))
		return s.Err()
	}); err != nil {
		return nil, err
	}
	loss, _ := b.Loss(s, autograd.CrossEntropy{LabelSmoothing: n.Smoothing}, logits, autograd.Targets{Labels: n.Labels, Lambda: 1})
	scale := cmp.Or(t.LossScale, 1)
	b.Backward(s, s.Scale(loss, scale))
	return n.read(s, net, logits, loss, images).unscaled(scale), s.Err()
}

// unscaled divides the gradients.
func (r Result) unscaled(scale float64) Result {
	for _, v := range r {
		if v.Kind != Gradient {
			continue
		}
		for i := range v.Data {
			v.Data[i] /= scale
		}
	}
	return r
}

// read returns the values that the pass has computed.
func (n Network) read(s *autograd.Scope, net *backend.Network, logits, loss, images *autograd.Tensor) Result {
	scaleFrom := map[string]string{}
	for _, in := range n.arrays() {
		scaleFrom[in.Name] = in.ScaleFrom
	}
	r := Result{
		{Name: "logits", Kind: Output, Array: readOne(s, logits)},
		{Name: "loss", Kind: Output, Array: oracle.Array{Shape: []int64{1, 1}, Data: readOne(s, loss).Data}},
		gradient(s, Input{Name: "images"}, images),
	}
	for _, p := range net.Parameters() {
		r = append(r, gradient(s, Input{Name: p.Name, ScaleFrom: scaleFrom[p.Name]}, p.Tensor))
	}
	for _, b := range net.Buffers() {
		r = append(r, Value{Name: b.Name, Kind: Statistic, Array: readOne(s, b.Tensor)})
	}
	return r
}
