package models

// Padding is the rule by which a convolution or a pool adds zeros around its input.
type Padding string

const (
	// Symmetric pads Kernel/2 on every side whatever the size, as PyTorch networks do.
	Symmetric Padding = "symmetric"
	// Same is TensorFlow's: as little as gives ceil(size/stride) outputs, with the odd pixel after. With
	// a 3x3 kernel at stride 2 that is (0, 1) on even sizes and (1, 1) on odd ones.
	Same Padding = "same"
	// BottomRight pads (0, Kernel/2) whatever the size: Keras' ZeroPadding2D(((0, 1), (0, 1))) before the
	// stride-2 depthwise layers of its MobileNet v1.
	BottomRight Padding = "bottom_right"
	// Valid pads nothing.
	Valid Padding = "valid"
)

// Paddings lists the rules.
var Paddings = []Padding{Symmetric, Same, BottomRight, Valid}

// Pad is the number of zeros added before and after, along one axis.
type Pad struct{ Before, After int }

// Pad returns what a window of the given kernel and stride adds along an axis of size.
func (p Padding) Pad(size, kernel, stride int) Pad {
	switch p {
	case Same:
		out := (size + stride - 1) / stride
		total := max(0, (out-1)*stride+kernel-size)
		return Pad{Before: total / 2, After: total - total/2}
	case BottomRight:
		return Pad{After: kernel / 2}
	case Valid:
		return Pad{}
	default:
		return Pad{Before: kernel / 2, After: kernel / 2}
	}
}

// OutSize is the number of outputs along an axis of size; 0 or less where the window does not fit.
func (p Pad) OutSize(size, kernel, stride int) int {
	if size+p.Before+p.After < kernel {
		return 0
	}
	return (size+p.Before+p.After-kernel)/stride + 1
}
