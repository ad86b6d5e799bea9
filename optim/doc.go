// Package optim updates parameters from gradients: SGD, RMSProp in PyTorch's and
// in TensorFlow's form, AdamW; learning-rate schedules; gradient clipping.
//
// An [Optimizer] holds its parameters and the tensors it keeps for each of them;
// [Optimizer.Step] applies one update with the learning rate that a [Schedule]
// gives for the step. Every update is a short list of operations over all
// parameters at once, in the order of operations of the implementation that it
// is checked against.
package optim
