// Package suite compares implementations of the same computation: a table of cases (operations,
// layers, losses, whole networks), a table of engines, and for each engine the tolerance of its
// difference from the reference, libtorch in float64. The tests run both tables against each other;
// `train check` runs them on the user's own network.
//
// A new operation is a row of [Operations] or [Layers], a new kind of layers a row of kinds
// (parts.go), a new implementation a row of [Engines]. For other code, such as a user's operation
// with its own backward pass, write a [Case] and call [CompareCase].
//
// All comparisons are of whole arrays, see [Compare]. Float64 engines agree to 1e-11 in a layer and
// to 1e-7 end to end. Low precision is compared layer by layer, on identical inputs and identical
// gradients of the output; end to end only angles are compared, see [Angles].
package suite
