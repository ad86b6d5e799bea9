package native

// #include "cuda_layer.h"
import "C"

// FusedConv holds the hyperparameters of a convolution with batch norm and activation that the kernels of
// autograd/native/cuda compute.
type FusedConv struct {
	Stride, Groups           int
	Top, Bottom, Left, Right int
	Activation               Activation
	BFloat16                 bool // stores and multiplies in bfloat16, else in float32
}

// Activation is an activation function of the kernels.
type Activation int

// The activation functions, with the numbers of dw_cuda_conv.
const (
	NoActivation Activation = iota
	ReLUActivation
	ReLU6Activation
)

func (c FusedConv) c() C.dw_cuda_conv {
	return C.dw_cuda_conv{stride: C.int(c.Stride), groups: C.int(c.Groups), top: C.int(c.Top), bottom: C.int(c.Bottom), left: C.int(c.Left),
		right: C.int(c.Right), activation: C.int(c.Activation), bf16: truth(c.BFloat16)}
}

// FusedConvForward computes the layer of x in training, see dw_cuda_layer. bias and residual may be nil.
func FusedConvForward(x, weight, bias Tensor, norm BatchNorm, residual Tensor, conv FusedConv) (Tensor, error) {
	n, c := norm.c(), conv.c()
	var out C.dw_tensor
	err := take(C.dw_cuda_layer(&out, C.dw_tensor(x), C.dw_tensor(weight), C.dw_tensor(bias), &n, C.dw_tensor(residual), &c))
	return Tensor(out), err
}

// ConvKernels says which kernels compute a layer.
type ConvKernels int

// The kernels, with the numbers of dw_cuda_supports.
const (
	NoKernels        ConvKernels = iota // none: libtorch's operations do
	NormKernels                         // those of batch norm and activation, after a convolution of libtorch
	DepthwiseKernels                    // all
)

// FusedConvKernels returns which kernels compute the layer of x and weight of these shapes.
func FusedConvKernels(x, weight [4]int64, conv FusedConv) ConvKernels {
	c := conv.c()
	return ConvKernels(C.dw_cuda_supports((*C.int64_t)(&x[0]), (*C.int64_t)(&weight[0]), &c))
}

// FusedConvCount returns the number of layers that the kernels have computed in this process; forward and backward
// count separately, and so does inference.
func FusedConvCount() int64 { return int64(C.dw_cuda_count()) }

// FoldedConv holds a convolution's weights with batch norm folded into them, see dw_cuda_fold. The zero value has none.
type FoldedConv struct{ Scaled, Shift, Typed Tensor }

// Fold folds batch norm into the weights of a convolution, whose bias may be nil. It makes f's tensors, or overwrites
// their values.
func (f *FoldedConv) Fold(weight, bias Tensor, norm BatchNorm, conv FusedConv) error {
	n, c := norm.c(), conv.c()
	scaled, shift, typed := C.dw_tensor(f.Scaled), C.dw_tensor(f.Shift), C.dw_tensor(f.Typed)
	err := take(C.dw_cuda_fold(&scaled, &shift, &typed, C.dw_tensor(weight), C.dw_tensor(bias), &n, &c))
	f.Scaled, f.Shift, f.Typed = Tensor(scaled), Tensor(shift), Tensor(typed)
	return err
}

// Forward computes the layer of x in inference, see dw_cuda_infer. residual may be nil.
func (f FoldedConv) Forward(x Tensor, before Activation, residual Tensor, conv FusedConv) (Tensor, error) {
	c := conv.c()
	var out C.dw_tensor
	err := take(C.dw_cuda_infer(&out, C.dw_tensor(x), C.int(before), C.dw_tensor(f.Scaled), C.dw_tensor(f.Shift), C.dw_tensor(f.Typed),
		C.dw_tensor(residual), &c))
	return Tensor(out), err
}

// FusedNormalizePixels converts pixels (N, H, W, 3), uint8 on a device, to (N, 3, H, W) there, see dw_cuda_normalize.
func FusedNormalizePixels(pixels Tensor, mean, std [3]float64, bfloat16 bool) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_cuda_normalize(&out, C.dw_tensor(pixels), (*C.double)(&mean[0]), (*C.double)(&std[0]), truth(bfloat16)))
	return Tensor(out), err
}

// CheckCUDA returns an error that says why the kernels do not run on a GPU, or nil.
func CheckCUDA(device int) error { return take(C.dw_cuda_check(C.int(device))) }

// CompileCUDA compiles the kernels for a compute capability, such as 90, and returns the size of the machine code in
// bytes. found is false where there is no NVRTC, which compiles them. It needs no GPU.
func CompileCUDA(capability int) (bytes int64, found bool, err error) {
	var size C.int64_t
	var here C.int
	err = take(C.dw_cuda_compile(&size, &here, C.int(capability)))
	return int64(size), here != 0, err
}
