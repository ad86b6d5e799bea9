// Package oracle computes the layers of a MobileNet, its losses and the whole network in gorgonia
// (gorgonia.org/gorgonia), in float64, with gradients that gorgonia derives by differentiating the graph. It shares no
// arithmetic with libtorch, so where both agree neither is likely to be wrong. Package
// [depthwise.dev/autograd/oracle/suite] compares the two.
//
// A [Graph] is built with sticky errors, as an autograd.Scope is; [Graph.Compute] evaluates it. Layers are composed of
// gorgonia's own operations where it has right ones (products, roots, logarithms, the im2col convolution). What it
// lacks or has wrong is a [primitive] with a symbolic derivative: grouped convolution, padding, sums over channels,
// ReLU6. Batch normalization and the losses are written as formulas; nobody wrote their derivatives down.
//
// Known faults of gorgonia 0.9.18 and where they are fenced: it panics on wrong shapes, and its machines do so on a
// goroutine of theirs, where nobody can recover (Graph.apply, Graph.Compute); it takes operations with one name for
// one another, so that its batch normalization confuses two eps (the name of a primitive holds every number); its
// layers draw their own weights (all values are given here).
package oracle
