package classifier

import "fmt"

// shape is the size of one image's activations, which are stored as (rows, columns, channels). A vector has 1 row and
// 1 column.
type shape struct {
	rows, columns, channels int
	vector                  bool // after pooling or flattening
}

func (s shape) positions() int { return s.rows * s.columns }
func (s shape) values() int    { return s.rows * s.columns * s.channels }

// shapes checks the layers and returns the shapes of their results, after that of the image.
func (h *Header) shapes() ([]shape, error) {
	in := shape{rows: h.Input[1], columns: h.Input[2], channels: h.Input[0]}
	if !in.valid() || len(h.Layers) == 0 {
		return nil, fmt.Errorf("header: a network of %d layers for images of %v", len(h.Layers), h.Input)
	}
	shapes := []shape{in}
	for i, l := range h.Layers {
		out, err := l.output(shapes)
		if err == nil && !out.valid() {
			err = fmt.Errorf("its result would be %v", out)
		}
		if err != nil {
			return nil, fmt.Errorf("header: layer %d %q: %w", i, l.Name, err)
		}
		shapes = append(shapes, out)
	}
	if last := shapes[len(shapes)-1]; !last.vector || last.channels != len(h.Classes) {
		return nil, fmt.Errorf("header: the network gives %v for %d classes", last, len(h.Classes))
	}
	return shapes, nil
}

func (s shape) valid() bool {
	side := func(n int) bool { return n >= 1 && n <= maxSide }
	return side(s.rows) && side(s.columns) && s.channels >= 1 && s.channels <= maxValues/s.positions()
}

// output is the shape of the layer's result. shapes are those of the image and the layers before it.
func (l Layer) output(shapes []shape) (shape, error) {
	inputs := 1
	if l.Kind == KindAdd {
		inputs = 2
	}
	if len(l.Inputs) != inputs {
		return shape{}, fmt.Errorf("%d inputs", len(l.Inputs))
	}
	for _, i := range l.Inputs {
		if i < -1 || i+1 >= len(shapes) {
			return shape{}, fmt.Errorf("reads layer %d", i)
		}
	}
	if _, ok := clamps[l.Activation]; !ok {
		return shape{}, fmt.Errorf("unknown activation function %q", l.Activation)
	}
	in := shapes[l.Inputs[0]+1]
	switch l.Kind {
	case KindConv, KindMaxPool:
		return l.window(in)
	case KindBatchNorm, KindActivation:
		return in, nil
	case KindAdd:
		if other := shapes[l.Inputs[1]+1]; other != in {
			return shape{}, fmt.Errorf("adds %v and %v", in, other)
		}
		return in, nil
	case KindGlobalAvgPool:
		return shape{1, 1, in.channels, true}, nil
	case KindFlatten:
		return shape{1, 1, in.values(), true}, nil
	case KindLinear:
		if !in.vector || l.Out < 1 || l.Out > maxValues/in.channels {
			return shape{}, fmt.Errorf("%d outputs of %v", l.Out, in)
		}
		return shape{1, 1, l.Out, true}, nil
	}
	return shape{}, fmt.Errorf("unknown kind %q", l.Kind)
}

// window is the shape of a convolution's or a pool's result.
func (l Layer) window(in shape) (shape, error) {
	out := shape{channels: in.channels}
	if l.Kernel < 1 || l.Kernel > maxSide || l.Stride < 1 || l.Stride > maxSide || in.vector || min(l.Rows[0], l.Rows[1], l.Cols[0], l.Cols[1]) < 0 || max(l.Rows[0], l.Rows[1], l.Cols[0], l.Cols[1]) > maxSide {
		return out, fmt.Errorf("kernel %d, stride %d, padding %v and %v, of %v", l.Kernel, l.Stride, l.Rows, l.Cols, in)
	}
	if l.Kind == KindConv {
		if l.Groups < 1 || in.channels%l.Groups != 0 || l.Out < 1 || l.Out%l.Groups != 0 || l.Out > maxValues/l.Kernel/l.Kernel/in.channels {
			return out, fmt.Errorf("%d outputs in %d groups of %v", l.Out, l.Groups, in)
		}
		out.channels = l.Out
	}
	rows, columns := in.rows+l.Rows[0]+l.Rows[1]-l.Kernel, in.columns+l.Cols[0]+l.Cols[1]-l.Kernel
	if rows < 0 || columns < 0 {
		return out, fmt.Errorf("a window of %d does not fit into %v", l.Kernel, in)
	}
	out.rows, out.columns = rows/l.Stride+1, columns/l.Stride+1
	return out, nil
}
