package backend

import "depthwise.dev/autograd"

// SyncNorms makes batch norms in training use the statistics of the batches of all ranks, as if they were one batch, by every
// backend. Frozen ones stay as they are, and evaluation too. All ranks must have equal parameters and running statistics,
// freeze the same parts and make the same passes. Set the fields of the result before each training pass; see
// [autograd.NormSync]. A nil group is one process: batch norms then use its own batch, and the result is nil.
func (n *Network) SyncNorms(p *autograd.ProcessGroup) *autograd.NormSync {
	n.sync = nil
	if p != nil {
		n.sync = &autograd.NormSync{Group: p, Weight: 1}
	}
	for i := range n.layers {
		n.layers[i].norm.Sync = n.sync
	}
	return n.sync
}
