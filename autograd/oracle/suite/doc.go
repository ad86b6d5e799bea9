// Package suite compares ways to compute the same thing: a table of cases (operations, layers, losses, whole networks),
// a table of engines, and a bound for each engine that says how far it may be from the reference, libtorch in float64.
// The tests run both tables against each other; `train check` runs them on the user's own network.
//
// A new layer is one entry in [Operations] or [Layers], a new way to compute is one entry in [Engines]. What somebody
// else has written, an operation of their own with its own backward pass, say, is a [Case] for [JudgeCase].
//
// All comparisons are of whole arrays, see [Compare]. Float64 engines agree to 1e-11 layer by layer and end to end to
// 1e-7. Low precision is compared layer by layer, on identical inputs and identical gradients of the output; end to end
// it is compared by angles only, see [Angles].
package suite
