package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// Inference returns the network's form for inference in the machine's precision. It belongs to s.
func (m Machine) Inference(s *autograd.Scope, n *mobilenet.Network) *mobilenet.Inference {
	return n.Inference(s, m.Precision.Compute())
}

// Forward computes the network's logits of images, (N, classes) in float32, in the machine's
// precision.
func (m Machine) Forward(s *autograd.Scope, n *mobilenet.Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	var logits *autograd.Tensor
	err := s.Autocast(m.Precision.Compute(), func(s *autograd.Scope) error {
		logits = s.Keep(n.ForwardPixels(s, p, mode))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return logits
}

// Normalize returns the input of a network for pixels, (N, 3, H, W) in float32, on the machine's
// device.
func (m Machine) Normalize(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, m.device)
}

// PixelsOf returns a loader's batch as the input of a network. It shares the batch's memory.
func PixelsOf(b *data.Batch, p data.Preprocess) autograd.Pixels {
	return autograd.Pixels{Values: b.Pixels, N: b.N, Height: b.Height, Width: b.Width, Mean: p.Mean, Std: p.Std}
}
