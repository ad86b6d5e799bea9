package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"depthwise.dev/autograd"
)

// ErrDiverged is returned when the ranks of a run no longer have the same weights, running statistics or optimizer state.
var ErrDiverged = errors.New("the ranks do not have the same state")

// arraySum is a digest of an array of the state.
type arraySum struct{ Name, Sum string }

// compareStates compares digests of all arrays of a checkpoint with those of the other ranks. A difference is the same error on
// all ranks, before anything is written.
func (r *run) compareStates(s *autograd.Scope) error {
	if !r.ranks.several() {
		return nil
	}
	own, err := r.stateSums(s)
	if err != nil {
		return err
	}
	all, err := gathered(r.ranks, own)
	if err != nil {
		return err
	}
	for rank, sums := range all {
		different, first := 0, ""
		for i, a := range all[0] {
			if i >= len(sums) || sums[i] != a {
				if different++; different == 1 {
					first = a.Name
				}
			}
		}
		if different > 0 {
			return fmt.Errorf("train: epoch %d step %d: rank %d: %w as rank 0: %s differs, and %d other arrays; no checkpoint is written; continue from the last one with train resume %s",
				r.Epoch+1, r.Step, rank, ErrDiverged, first, different-1, r.folder.dir)
		}
	}
	return nil
}

// stateSums returns digests of the network, the optimizer's state and the averages.
func (r *run) stateSums(s *autograd.Scope) ([]arraySum, error) {
	var sums []arraySum
	err := s.Sub(func(s *autograd.Scope) error {
		tensors := append(r.network.State(), r.optimizer.State().Tensors...)
		if r.average != nil {
			tensors = append(tensors, r.average.State().Tensors...)
		}
		if r.swa != nil {
			tensors = append(tensors, r.swa.network.State()...)
		}
		for _, t := range tensors {
			sum := sha256.New()
			if err := binary.Write(sum, binary.LittleEndian, autograd.ToSlice[float32](s, t.Tensor)); err != nil {
				return err
			}
			sums = append(sums, arraySum{t.Name, hex.EncodeToString(sum.Sum(nil)[:8])})
		}
		return s.Err()
	})
	return sums, err
}
