// Package oracle computes the layers of convolutional networks and their losses in gorgonia
// (gorgonia.org/gorgonia), in float64, with gradients that gorgonia derives by symbolic
// differentiation. It shares no arithmetic with libtorch, so a result on which both agree is
// unlikely to be wrong. Package [depthwise.dev/autograd/oracle/suite] compares the two.
//
// A [Graph] keeps its first error, as an autograd.Scope does; [Graph.Compute] evaluates it. Layers
// are compositions of gorgonia's own operations where those are correct (products, roots,
// logarithms, the im2col convolution). Operations that gorgonia lacks or computes incorrectly are a
// [primitive] with a symbolic derivative: grouped convolution, padding, pooling, sums over
// channels, ReLU6. Batch normalization and the losses are written as formulas; their derivatives
// are gorgonia's alone.
//
// Known defects of gorgonia 0.9.18 and their workarounds: it panics on wrong shapes, and its
// machines do so on a goroutine of their own, where nothing can recover (Graph.apply,
// Graph.Compute); it merges operations that have the same name, so that its batch normalization
// confuses two values of eps (the name of a primitive contains all its numbers); its layers draw
// their own weights (here all values are arguments).
package oracle
