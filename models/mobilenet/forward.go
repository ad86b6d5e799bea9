package mobilenet

import "depthwise.dev/autograd"

// unit is a convolution with its batch normalization; the activation follows.
type unit struct {
	layer        Layer
	weight, bias *autograd.Tensor // bias may be nil
	norm         autograd.BatchNorm
}

// head is the classifier.
type head struct {
	layer        Layer
	weight, bias *autograd.Tensor
}

// bind points the layers at the network's tensors, which stand in the order in
// which [Layer.arrays] lists them.
func (n *Network) bind() {
	rest := n.tensors
	next := func() *autograd.Tensor {
		t := rest[0]
		rest = rest[1:]
		return t
	}
	n.units = n.units[:0]
	for _, l := range n.Config.Layers() {
		switch {
		case l.Convolution():
			u := unit{layer: l, weight: next()}
			if l.Bias {
				u.bias = next()
			}
			u.norm = autograd.BatchNorm{Weight: next(), Bias: next(), Mean: next(), Var: next(),
				Momentum: n.Config.BNMomentum, Eps: n.Config.BNEps}
			n.units = append(n.units, u)
		case l.Kind == Linear:
			n.head = head{layer: l, weight: next(), bias: next()}
		}
	}
}

// Forward computes the logits (N, classes) of normalized images x (N, 3, H, W),
// channels-last. H and W may differ from the configured resolution: padding
// follows the actual sizes and the pool covers all positions. In training mode
// batch normalization uses the batch's statistics and updates the running ones,
// and dropout drops. Within Autocast the convolutions compute in its type; pool
// and head compute in the parameters' own, float32. Kernels chooses what computes;
// with forward hooks it is always Torch.
func (n *Network) Forward(s *autograd.Scope, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	if n.fused() {
		return n.classify(s, n.features(s, x, mode), mode)
	}
	features := x
	for _, u := range n.units {
		next := n.observed(s, u.layer, n.unit(s, u, features, mode))
		if features != x {
			s.Free(features) // the graph keeps what the backward pass needs
		}
		features = next
	}
	pooled := n.pool(s, features)
	if features != x {
		s.Free(features)
	}
	return n.observed(s, n.head.layer, n.classify(s, pooled, mode))
}

// unit applies one convolution, its normalization and the activation.
func (n *Network) unit(s *autograd.Scope, u unit, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	var y *autograd.Tensor
	err := s.Sub(func(s *autograd.Scope) error {
		y = n.convolve(s, u, x)
		y = u.norm.Forward(s, y, mode)
		y = s.Keep(n.activate(s, y))
		return s.Err()
	})
	s.Fail(err)
	return y
}

// convolve pads x as the configuration says and convolves it.
func (n *Network) convolve(s *autograd.Scope, u unit, x *autograd.Tensor) *autograd.Tensor {
	conv := autograd.Conv{Stride: int64(u.layer.Stride), Groups: int64(u.layer.Groups)}
	shape := x.Shape()
	if len(shape) != 4 {
		return s.Conv2d(x, u.weight, u.bias, conv) // says what is wrong with x
	}
	rows := u.layer.padding(n.Config.Padding, int(shape[2]))
	columns := u.layer.padding(n.Config.Padding, int(shape[3]))
	if rows == columns && rows.Before == rows.After {
		conv.Padding = int64(rows.Before)
	} else {
		x = s.Pad2d(x, int64(columns.Before), int64(columns.After), int64(rows.Before), int64(rows.After))
	}
	return s.Conv2d(x, u.weight, u.bias, conv)
}

// activate overwrites x, which batch normalization does not need for its gradient.
func (n *Network) activate(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if n.Config.Activation == ReLU6 {
		return s.ReLU6InPlace(x)
	}
	return s.ReLUInPlace(x)
}

// pool averages the features (N, C, H, W) over their positions, in the
// parameters' own type.
func (n *Network) pool(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	var pooled *autograd.Tensor
	s.Fail(s.Sub(func(s *autograd.Scope) error {
		pooled = s.Keep(s.GlobalAvgPool(s.To(x, n.head.weight.DType())))
		return s.Err()
	}))
	return pooled
}

// classify applies dropout and the head to the pooled features (N, C), which it frees.
func (n *Network) classify(s *autograd.Scope, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	var logits *autograd.Tensor
	s.Fail(s.Autocast(autograd.Float32, func(s *autograd.Scope) error {
		y := x
		if mode == autograd.Training && n.Config.Dropout > 0 {
			y = s.Dropout(y, n.Config.Dropout)
		}
		logits = s.Keep(s.Linear(y, n.head.weight, n.head.bias))
		return s.Err()
	}))
	s.Free(x)
	return logits
}
