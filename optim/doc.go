// Package optim updates parameters from their gradients: optimizers, learning-rate schedules,
// gradient clipping and the exponential moving average of weights.
//
// An [Optimizer] holds its parameters and its state, and [Optimizer.Step] applies one update with
// the learning rate that a [Schedule] gives for the step. Every optimizer has an unfused form,
// operations over all parameters in the order of the implementation that it is checked against
// (PyTorch, timm), and may have a fused form, one pass over memory ([Optimizer.Prepare] gives the
// choice).
//
// A [LossScaler] keeps gradients in float16 within its range.
//
// An optimizer is one file, with its formula in both forms, its options and their defaults, and the
// names of its state; and one row of [Optimizers]. A schedule is one file and one row of
// [Schedules].
package optim
