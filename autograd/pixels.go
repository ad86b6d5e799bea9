package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// Pixels are images as the loader delivers them: bytes (N, Height, Width, 3), RGB, and the mean and
// standard deviation that normalize them to (v/255 - Mean)/Std.
type Pixels struct {
	Values           []uint8 // as many as the sizes say; nil where Uploaded has them
	N, Height, Width int
	Mean, Std        [3]float64
	Uploaded         *Tensor // the bytes on a device, uint8 (N, Height, Width, 3), or nil
}

// shape is that of the bytes.
func (p Pixels) shape() []int64 { return []int64{int64(p.N), int64(p.Height), int64(p.Width), 3} }

// native returns pixels on the host for the fused kernels.
func (p Pixels) native() native.Pixels {
	return native.Pixels{Values: p.Values, N: p.N, Height: p.Height, Width: p.Width, Mean: p.Mean, Std: p.Std}
}

// UploadPixels returns the bytes of images on a device, uint8 (N, Height, Width, 3): those that are there, or else a
// copy as by [Upload].
func (s *Scope) UploadPixels(p Pixels, dev Device) *Tensor {
	if p.Uploaded != nil {
		return s.ToDevice(p.Uploaded, dev)
	}
	return Upload(s, p.Values, dev, p.shape()...)
}

// NormalizePixels is [Scope.NormalizeImages] of bytes that UploadPixels returned, on their device, with the same bits.
func (s *Scope) NormalizePixels(pixels *Tensor, mean, std [3]float64) *Tensor {
	const name = "normalize pixels"
	if !s.ready(name, pixels) {
		return nil
	}
	if shape := pixels.Shape(); pixels.DType() != Uint8 || len(shape) != 4 || shape[3] != 3 {
		s.Fail(fmt.Errorf("autograd: %s: want bytes (N, H, W, 3), have %v", name, pixels))
		return nil
	}
	c, err := native.NormalizePixels(native.Tensor(pixels.c), mean, std)
	return s.made(name, []*Tensor{pixels}, c, err)
}

// FusedNormalizePixels converts pixels (N, H, W, 3), uint8 on any device, to network input there: (N, 3, H, W), channels-last,
// (v/255 - mean)/std by channel with the bits of [Scope.NormalizeImages], within Autocast in its type.
func (s *Scope) FusedNormalizePixels(pixels *Tensor, mean, std [3]float64) *Tensor {
	const name = "normalize pixels"
	if !s.ready(name, pixels) {
		return nil
	}
	out, err := native.FusedNormalizePixels(native.Tensor(pixels.c), mean, std, s.compute == BFloat16)
	return s.made(name, []*Tensor{pixels}, out, err)
}
