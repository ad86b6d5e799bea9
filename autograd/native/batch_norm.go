package native

// #include "batch_norm.h"
import "C"

// BatchNorm is a batch norm by the batch's statistics. Keep leaves the running statistics as they are.
type BatchNorm struct {
	Weight, Bias, Mean, Var Tensor
	Eps, Momentum           float64
	Keep                    bool
	Sync                    NormSync
}

// NormSync makes the statistics those of the batches of all ranks, see dw_norm_sync. The zero value is one process.
type NormSync struct {
	Group  ProcessGroup
	Weight float64
	Absent bool
}

func (s NormSync) c() C.dw_norm_sync {
	return C.dw_norm_sync{group: s.Group.c, weight: C.double(s.Weight), absent: truth(s.Absent)}
}

// c converts the batch norm to C.
func (n BatchNorm) c() C.dw_batch_norm {
	return C.dw_batch_norm{weight: C.dw_tensor(n.Weight), bias: C.dw_tensor(n.Bias), mean: C.dw_tensor(n.Mean), _var: C.dw_tensor(n.Var),
		eps: C.double(n.Eps), momentum: C.double(n.Momentum), keep: truth(n.Keep), sync: n.Sync.c()}
}

// SyncBatchNorm normalizes x (N, C, ...) by the statistics of all ranks, see dw_sync_batch_norm.
func SyncBatchNorm(x Tensor, norm BatchNorm) (Tensor, error) {
	n := norm.c()
	var out C.dw_tensor
	err := take(C.dw_sync_batch_norm(&out, C.dw_tensor(x), &n))
	return Tensor(out), err
}
