package native

// #include "backbone.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// LayerKind selects the kernels that compute a layer of a backbone.
type LayerKind int

// The kinds, in the order of dw_layer_kind.
const (
	StemLayer LayerKind = iota
	DepthwiseLayer
	PointwiseLayer
)

// BackboneLayer is a convolution with batch norm at the sizes of one call's images.
type BackboneLayer struct {
	Kind                LayerKind
	In, Out, Stride     int // channels; 1 or 2
	Bias                bool
	Height, Width       int // of the input
	OutHeight, OutWidth int
	Top, Left           int // zeros before the image
}

// Backbone holds the layers and their common settings.
type Backbone struct {
	Layers        []BackboneLayer
	Cap           float64 // of the activation; infinite for ReLU
	Eps, Momentum float64
	Training      bool // use the batch's statistics and update the running ones
	Frozen        int  // the first layers, as many as this, use the running statistics and have no gradients
	BFloat16      bool // else float32
	Sync          NormSync
	// Times, if not nil, receives the times of the forward pass when it returns, and of the
	// backward pass when that ends.
	Times *BackboneTimes
}

// Lanes is the number of channels that stored tensors are padded to a multiple of.
const Lanes = C.DW_LANES

// Pixels are images as the loader delivers them, (N, Height, Width, 3), and their normalization:
// (v/255 - Mean)/Std per color.
type Pixels struct {
	Values           []uint8 // as many as the sizes say
	N, Height, Width int
	Mean, Std        [3]float64
}

// BackboneForward computes the pooled features of images x, or of pixels if x is nil.
// dw_backbone_forward documents the tensors.
func BackboneForward(b Backbone, x Tensor, pixels Pixels, parameters, statistics []Tensor) (features Tensor, err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	backbone, p := b.c(&pinner), pixels.c(&pinner)
	var out C.dw_tensor
	err = take(C.dw_backbone_forward(&out, &backbone, C.dw_tensor(x), &p, first(parameters), count(parameters), first(statistics), count(statistics),
		b.Times.handle()))
	return Tensor(out), err
}

// c converts the pixels to C, in memory that pinner holds.
func (p Pixels) c(pinner *runtime.Pinner) C.dw_pixels {
	out := C.dw_pixels{n: C.int64_t(p.N), height: C.int(p.Height), width: C.int(p.Width)}
	for i := range p.Mean {
		out.mean[i], out.std[i] = C.double(p.Mean[i]), C.double(p.Std[i])
	}
	if len(p.Values) > 0 {
		pinner.Pin(unsafe.SliceData(p.Values))
		out.values = (*C.uint8_t)(unsafe.SliceData(p.Values))
	}
	return out
}

// c converts the backbone to C, in memory that pinner holds.
func (b Backbone) c(pinner *runtime.Pinner) C.dw_backbone {
	layers := make([]C.dw_layer, len(b.Layers))
	for i, l := range b.Layers {
		layers[i] = C.dw_layer{kind: C.dw_layer_kind(l.Kind), in: C.int(l.In), out: C.int(l.Out), stride: C.int(l.Stride), has_bias: truth(l.Bias),
			height: C.int(l.Height), width: C.int(l.Width), out_height: C.int(l.OutHeight), out_width: C.int(l.OutWidth),
			top: C.int(l.Top), left: C.int(l.Left)}
	}
	if len(layers) > 0 {
		pinner.Pin(unsafe.SliceData(layers))
	}
	return C.dw_backbone{layers: unsafe.SliceData(layers), n: C.int(len(layers)), cap: C.double(b.Cap), eps: C.double(b.Eps),
		momentum: C.double(b.Momentum), training: truth(b.Training), frozen: C.int(b.Frozen), bf16: truth(b.BFloat16), sync: b.Sync.c()}
}

// BackboneISA returns the name of the kernels' ISA variant, such as "avx512bf16".
func BackboneISA() (string, error) {
	var name *C.char
	if err := take(C.dw_backbone_isa(&name)); err != nil {
		return "", err
	}
	return C.GoString(name), nil
}

// BackboneCount returns the number of layers that fused kernels have computed in this process;
// forward and backward count separately.
func BackboneCount() int64 { return int64(C.dw_backbone_count()) }
