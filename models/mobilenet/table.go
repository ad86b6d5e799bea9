package mobilenet

// Kind says what a layer computes.
type Kind string

// The kinds of layers in the table. Every convolution (the first three) is
// followed by batch normalization and the activation.
const (
	Conv      Kind = "conv"      // full convolution
	Depthwise Kind = "depthwise" // one filter per channel: groups = channels
	Pointwise Kind = "pointwise" // 1x1 convolution
	Pool      Kind = "pool"      // average over all positions
	Linear    Kind = "linear"    // the head
)

// row is a line of the paper's Table 1, in channels at width 1.
type row struct {
	kind           Kind
	in, out        int
	kernel, stride int
}

// table is Table 1 of the paper. Its last depthwise layer is printed there with
// stride 2, which does not fit the 7x7 sizes around it: it is 1, as in TF-slim.
// The pool's 7x7 is the size at resolution 224; it covers all positions at any.
var table = []row{
	{Conv, 3, 32, 3, 2},
	{Depthwise, 32, 32, 3, 1}, {Pointwise, 32, 64, 1, 1},
	{Depthwise, 64, 64, 3, 2}, {Pointwise, 64, 128, 1, 1},
	{Depthwise, 128, 128, 3, 1}, {Pointwise, 128, 128, 1, 1},
	{Depthwise, 128, 128, 3, 2}, {Pointwise, 128, 256, 1, 1},
	{Depthwise, 256, 256, 3, 1}, {Pointwise, 256, 256, 1, 1},
	{Depthwise, 256, 256, 3, 2}, {Pointwise, 256, 512, 1, 1},
	{Depthwise, 512, 512, 3, 1}, {Pointwise, 512, 512, 1, 1},
	{Depthwise, 512, 512, 3, 1}, {Pointwise, 512, 512, 1, 1},
	{Depthwise, 512, 512, 3, 1}, {Pointwise, 512, 512, 1, 1},
	{Depthwise, 512, 512, 3, 1}, {Pointwise, 512, 512, 1, 1},
	{Depthwise, 512, 512, 3, 1}, {Pointwise, 512, 512, 1, 1},
	{Depthwise, 512, 512, 3, 2}, {Pointwise, 512, 1024, 1, 1},
	{Depthwise, 1024, 1024, 3, 1}, {Pointwise, 1024, 1024, 1, 1},
	{Pool, 1024, 1024, 7, 1},
	{Linear, 1024, 1000, 1, 1},
}
