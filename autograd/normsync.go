package autograd

import "depthwise.dev/autograd/native"

// NormSync makes batch norm in training use the statistics of the batches of all ranks, as if they were one batch:
// torch.nn.SyncBatchNorm, weighted. The zero value, and nil, are one process. Each layer exchanges its sums in one small
// all-reduce, forward and backward, so all ranks must compute the same layers in the same order. Their parameters and
// running statistics must be equal, and stay so: the new running statistics have the same bits on all ranks.
//
// What a forward pass and its backward pass do is what the fields were in the forward pass.
type NormSync struct {
	Group *ProcessGroup
	// Weight is what the gradients of this rank's loss are multiplied by when those of all ranks are added up: 1 if the loss
	// is a sum over images, their number if it is a mean. Only the ratios of ranks matter. A rank of weight 0 has no
	// gradients, and its images are constants for those of other ranks.
	Weight float64
	// Absent means that this rank's images do not count, neither in the statistics nor in the loss, whose gradient must be
	// zero: it takes part because the others wait for its sums.
	Absent bool
}

// active reports whether there are sums to exchange.
func (n *NormSync) active() bool { return n != nil && n.Group != nil }

func (n *NormSync) native() native.NormSync {
	if !n.active() {
		return native.NormSync{}
	}
	return native.NormSync{Group: n.Group.c, Weight: n.Weight, Absent: n.Absent}
}

// cause is the error of a pass that exchanges sums: why the group was canceled, if it was.
func (n *NormSync) cause(err error) error {
	if err == nil || !n.active() {
		return err
	}
	if canceled := n.Group.canceled.Load(); canceled != nil {
		return *canceled
	}
	return err
}

// synchronized normalizes x in training by the statistics of all ranks.
func (bn BatchNorm) synchronized(s *Scope, x *Tensor) *Tensor {
	const name = "synchronized batch norm"
	inputs := []*Tensor{x, bn.Weight, bn.Bias, bn.Mean, bn.Var}
	if !s.ready(name, inputs...) {
		return nil
	}
	out, err := native.SyncBatchNorm(native.Tensor(x.c), bn.native(s.again))
	return s.made(name, inputs, out, bn.Sync.cause(err))
}

// native is the batch norm in training. keep leaves the running statistics as they are.
func (bn BatchNorm) native(keep bool) native.BatchNorm {
	return native.BatchNorm{Weight: native.Tensor(bn.Weight.c), Bias: native.Tensor(bn.Bias.c), Mean: native.Tensor(bn.Mean.c),
		Var: native.Tensor(bn.Var.c), Eps: bn.Eps, Momentum: bn.Momentum, Keep: keep, Sync: bn.Sync.native()}
}
