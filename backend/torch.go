package backend

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Torch runs libtorch's operations one after another: every graph, on any device, in any type. It is the
// reference.
type Torch struct{}

// Name implements [Backend].
func (Torch) Name() string { return "torch" }

// ISA implements [Backend].
func (Torch) ISA() (string, error) { return "", nil }

// Supports implements [Backend].
func (Torch) Supports(*models.Graph, autograd.Device) error { return nil }

// SupportsPrecision implements [Backend].
func (Torch) SupportsPrecision(autograd.Precision) error { return nil }

// Forward implements [Backend]. Within Autocast, convolutions compute in its type; pools and linear layers
// compute in the parameters' own.
func (Torch) Forward(s *autograd.Scope, n *Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	return n.firstLayers(s, x, len(n.layers), call{mode: mode, parameters: n.DType()})
}

// firstLayers computes the output of the last of the first layers, as many as count.
func (n *Network) firstLayers(s *autograd.Scope, x *autograd.Tensor, count int, c call) *autograd.Tensor {
	if c.mode == autograd.Training {
		n.trainingPasses++
	}
	p := pass{image: x, outputs: make([]*autograd.Tensor, count), readers: map[*autograd.Tensor]int{}}
	for i := 0; i < count; i++ {
		l := n.layers[i]
		in := p.inputs(l)
		var out *autograd.Tensor
		if c.cuda && !n.Hooked() && n.addsResidual(i, count) && cudaComputes(l, in[0], c) {
			in = append(in, p.outputs[n.otherInput(i+1, i)])
			out = cudaLayer(s, l, in[0], in[1])
			i++ // the sum is computed
		} else {
			out = n.observed(s, l.Layer, layerOutput(s, l, in, c))
		}
		p.outputs[i] = out
		p.readers[out] += n.uses[i]
		if i == count-1 {
			p.readers[out]++ // the caller; a dropout's output in evaluation is its input
		}
		p.release(s, in)
	}
	return p.outputs[count-1]
}

// pass holds the activations of a forward pass that a layer to come still reads.
type pass struct {
	image   *autograd.Tensor
	outputs []*autograd.Tensor       // of each layer
	readers map[*autograd.Tensor]int // layers to come that read it; two layers may share an output
}

func (p *pass) inputs(l bound) []*autograd.Tensor {
	in := make([]*autograd.Tensor, len(l.inputs))
	for i, place := range l.inputs {
		in[i] = p.image
		if place >= 0 {
			in[i] = p.outputs[place]
		}
	}
	return in
}

// release frees what no layer to come reads; the graph of gradients keeps what the backward pass needs.
func (p *pass) release(s *autograd.Scope, in []*autograd.Tensor) {
	for _, t := range in {
		if t == p.image || t == nil {
			continue
		}
		if p.readers[t]--; p.readers[t] == 0 {
			s.Free(t)
		}
	}
}

// layerOutput computes a layer with its norm and activation.
func layerOutput(s *autograd.Scope, l bound, in []*autograd.Tensor, c call) *autograd.Tensor {
	var y *autograd.Tensor
	err := s.Sub(func(s *autograd.Scope) error {
		if c.cuda && cudaComputes(l, in[0], c) {
			y = s.Keep(cudaLayer(s, l, in[0], nil))
			return s.Err()
		}
		y = operations[l.Kind](s, l, in, c)
		if l.Norm != nil {
			y = l.norm.Forward(s, y, l.normMode(c.mode))
		}
		if l.Activation != nil {
			own := l.Kind != models.KindFlatten && !slices.Contains(in, y) // flatten's result is a view of its input
			y = activate(s, l.Activation.Function, y, own)
		}
		if !slices.Contains(in, y) {
			y = s.Keep(y)
		}
		return s.Err()
	})
	s.Fail(err)
	return y
}

// activate applies an activation function. It overwrites an x of the layer's own, which neither batch norm
// nor a convolution needs for its gradient.
func activate(s *autograd.Scope, f models.Function, x *autograd.Tensor, own bool) *autograd.Tensor {
	switch {
	case f == models.ReLU6 && own:
		return s.ReLU6InPlace(x)
	case f == models.ReLU6:
		return s.ReLU6(x)
	case f == models.ReLU && own:
		return s.ReLUInPlace(x)
	case f == models.ReLU:
		return s.ReLU(x)
	}
	s.Fail(fmt.Errorf("the torch backend has no activation function %q; add it to activate in backend/torch.go", f))
	return x
}

// ForwardPixels implements [Backend].
func (b Torch) ForwardPixels(s *autograd.Scope, n *Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	return b.Forward(s, n, n.normalized(s, p), mode)
}

// normalized returns images as a loader leaves them in the type and on the device of the network.
func (n *Network) normalized(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return s.To(normalize(s, p, n.Device()), n.DType())
}

// normalize returns normalized images (N, 3, H, W), float32, on a device. A GPU normalizes itself: bytes are a quarter of
// what would be copied otherwise, and the host does not wait.
func normalize(s *autograd.Scope, p autograd.Pixels, dev autograd.Device) *autograd.Tensor {
	if dev == autograd.CPU {
		return s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, dev)
	}
	return s.NormalizePixels(s.UploadPixels(p, dev), p.Mean, p.Std)
}

// Backward implements [Backend].
func (Torch) Backward(s *autograd.Scope, loss *autograd.Tensor) { s.Backward(loss) }

// Update implements [Backend].
func (Torch) Update(s *autograd.Scope, u Update) *autograd.Readback { return u.Queued(s) }

// Inference implements [Backend].
func (b Torch) Inference(s *autograd.Scope, n *Network, compute autograd.DType) Inference {
	return torchInference{network: n, compute: compute}
}

// torchInference is the forward pass in evaluation.
type torchInference struct {
	network *Network
	compute autograd.DType
}

// Forward implements [Inference].
func (i torchInference) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return i.firstLayers(s, len(i.network.layers), func(*autograd.Scope) *autograd.Tensor { return x })
}

// ForwardPixels implements [Inference].
func (i torchInference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.firstLayers(s, len(i.network.layers), func(s *autograd.Scope) *autograd.Tensor { return i.network.normalized(s, p) })
}

// Features implements [Inference].
func (i torchInference) Features(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return i.features(s, func(*autograd.Scope) *autograd.Tensor { return x })
}

// FeaturesPixels implements [Inference].
func (i torchInference) FeaturesPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.features(s, func(s *autograd.Scope) *autograd.Tensor { return i.network.normalized(s, p) })
}

func (i torchInference) features(s *autograd.Scope, input func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	count, err := i.network.featureLayers()
	if err != nil {
		s.Fail(err)
		return nil
	}
	return s.To(i.firstLayers(s, count, input), i.network.DType())
}

// firstLayers computes the first layers, as many as count, without recording gradients, in the type that the
// network computes in.
func (i torchInference) firstLayers(s *autograd.Scope, count int, input func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	return evaluate(s, i.compute, func(s *autograd.Scope) *autograd.Tensor {
		return i.network.firstLayers(s, input(s), count, call{mode: autograd.Evaluation, parameters: i.network.DType()})
	})
}

// evaluate returns what f computes in a type without recording gradients.
func evaluate(s *autograd.Scope, compute autograd.DType, f func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	var y *autograd.Tensor
	err := s.NoGrad(func(s *autograd.Scope) error {
		err := s.Autocast(compute, func(s *autograd.Scope) error {
			y = s.Keep(f(s))
			return s.Err()
		})
		y = s.Keep(y)
		return err
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return y
}
