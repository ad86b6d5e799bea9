// Package backend computes networks: it holds a graph's tensors in a [Network] and runs forward and backward
// passes, loss, parameter update and inference through a [Backend].
//
// There are three backends. torch runs libtorch's operations one after another, on any device, for any graph;
// it is the reference that the others are tested against. fused runs the backbone of a MobileNet v1 as one
// operation by the project's own CPU kernels. cuda runs convolutions with batch norm by kernels for GPUs, and folds
// batch norm in inference. [NewMachine] chooses one, once, and says why; a backend that cannot
// compute a graph says what it lacks. To add a backend, write its file and add its row to backends.
package backend
