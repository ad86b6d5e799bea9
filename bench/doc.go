// Package bench measures the speed of training steps, of inference, of the data loader and of sums over the ranks of a run, and
// per-layer times against the roofline of the machine. It predicts the speed of several ranks.
package bench
