package mobilenet

import "fmt"

// Layer is a row of the table at a configuration's width, classes and resolution.
type Layer struct {
	Kind           Kind
	Name           string // prefix of its weight and bias: "blocks.1.0.conv_dw"
	Norm           string // prefix of its batch normalization, "" where there is none
	In, Out        int    // channels
	Kernel, Stride int
	Groups         int  // In for depthwise, else 1
	Bias           bool // the layer itself has a bias, beside that of its normalization
	InSize         int  // side of its input at the configured resolution
	OutSize        int  // side of its output
	Pad            Pad  // at the configured resolution
}

// Pad is the number of zero pixels added along one axis.
type Pad struct{ Before, After int }

// Layers expands the table: one entry a row, in the order of the computation.
func (c Config) Layers() []Layer {
	name := namer{stage: 0, block: -1}
	size := c.Resolution
	layers := make([]Layer, 0, len(table))
	for _, r := range table {
		l := Layer{Kind: r.kind, In: c.channels(r.in), Out: c.channels(r.out), Kernel: r.kernel, Stride: r.stride,
			Groups: 1, Bias: c.ConvBias, InSize: size}
		l.Name, l.Norm = name.next(r)
		switch r.kind {
		case Conv:
			l.In = r.in // the image's colors do not scale
		case Depthwise:
			l.Groups = l.In
		case Pool:
			l.Kernel, l.Bias = size, false
		case Linear:
			l.Out, l.Bias = c.Classes, true
		}
		l.Pad = l.padding(c.Padding, size)
		l.OutSize = l.outSize(l.Pad, size)
		size = l.OutSize
		layers = append(layers, l)
	}
	return layers
}

// padding returns what the layer adds along an axis of the given size.
func (l Layer) padding(scheme string, size int) Pad {
	switch {
	case l.Kind == Pool || l.Kind == Linear:
		return Pad{}
	case scheme == Same:
		out := (size + l.Stride - 1) / l.Stride
		total := max(0, (out-1)*l.Stride+l.Kernel-size)
		return Pad{Before: total / 2, After: total - total/2}
	default:
		return Pad{Before: l.Kernel / 2, After: l.Kernel / 2}
	}
}

// outSize is the number of outputs along an axis.
func (l Layer) outSize(p Pad, size int) int { return (size+p.Before+p.After-l.Kernel)/l.Stride + 1 }

// Convolution tells whether the layer is one, and so has a normalization and an
// activation after it.
func (l Layer) Convolution() bool {
	return l.Kind == Conv || l.Kind == Depthwise || l.Kind == Pointwise
}

// WeightShape is the shape of the layer's weight: (out, in/groups, k, k) for
// convolutions, (out, in) for the head, nil for the pool.
func (l Layer) WeightShape() []int64 {
	switch {
	case l.Convolution():
		return []int64{int64(l.Out), int64(l.In / l.Groups), int64(l.Kernel), int64(l.Kernel)}
	case l.Kind == Linear:
		return []int64{int64(l.Out), int64(l.In)}
	default:
		return nil
	}
}

// Params counts weight and bias, without the normalization.
func (l Layer) Params() int64 {
	shape := l.WeightShape()
	if shape == nil {
		return 0
	}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	if l.Bias {
		n += int64(l.Out)
	}
	return n
}

// MultiplyAdds counts the products of one image's forward pass: those of the
// convolutions and the head. Biases, normalization, activation and pooling are
// left out, as in the paper.
func (l Layer) MultiplyAdds() int64 {
	switch {
	case l.Convolution():
		positions := int64(l.OutSize) * int64(l.OutSize)
		return positions * int64(l.Out) * int64(l.In/l.Groups) * int64(l.Kernel) * int64(l.Kernel)
	case l.Kind == Linear:
		return int64(l.In) * int64(l.Out)
	default:
		return 0
	}
}

// namer gives each row the name that timm gives it: blocks are grouped in stages,
// and a depthwise layer of stride 2 starts the next stage.
type namer struct{ stage, block int }

func (n *namer) next(r row) (name, norm string) {
	switch r.kind {
	case Conv:
		return "conv_stem", "bn1"
	case Depthwise:
		n.block++
		if r.stride == 2 {
			n.stage, n.block = n.stage+1, 0
		}
		block := fmt.Sprintf("blocks.%d.%d", n.stage, n.block)
		return block + ".conv_dw", block + ".bn1"
	case Pointwise:
		block := fmt.Sprintf("blocks.%d.%d", n.stage, n.block)
		return block + ".conv_pw", block + ".bn2"
	case Pool:
		return "global_pool", ""
	default:
		return "classifier", ""
	}
}
