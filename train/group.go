package train

import (
	"encoding/json"
	"fmt"

	"depthwise.dev/autograd"
)

// Group is the processes that train a network together, the ranks. All of them call the same methods in the same order.
// *distributed.Group implements it.
type Group interface {
	Rank() int
	Size() int
	Sum(values []float64) error         // adds up over ranks, in place; all ranks get the same bits
	Broadcast(b []byte) ([]byte, error) // rank 0's bytes
	Gather(b []byte) ([][]byte, error)  // those of all ranks, by rank
	Process() *autograd.ProcessGroup    // for tensors
}

// ranks is this process among those that train together. The zero value is one process, whose values are those of all ranks.
type ranks struct{ Group }

func (r ranks) rank() int {
	if r.Group == nil {
		return 0
	}
	return r.Rank()
}

func (r ranks) size() int {
	if r.Group == nil {
		return 1
	}
	return r.Size()
}

// first reports whether this is rank 0, which writes the run's files and decides what clocks and requests decide.
func (r ranks) first() bool { return r.rank() == 0 }

// several reports whether there are other ranks.
func (r ranks) several() bool { return r.size() > 1 }

// share replaces a value by that of rank 0.
func (r ranks) share(value any) error {
	if !r.several() {
		return nil
	}
	var text []byte
	var err error
	if r.first() {
		if text, err = json.Marshal(value); err != nil {
			return fmt.Errorf("train: rank 0: %w", err)
		}
	}
	if text, err = r.Broadcast(text); err != nil || r.first() {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("train: what rank 0 has sent: %w", err)
	}
	return nil
}

// gathered returns the values of all ranks, by rank.
func gathered[T any](r ranks, own T) ([]T, error) {
	if !r.several() {
		return []T{own}, nil
	}
	text, err := json.Marshal(own)
	if err != nil {
		return nil, fmt.Errorf("train: rank %d: %w", r.Rank(), err)
	}
	texts, err := r.Gather(text)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(texts))
	for rank, text := range texts {
		if err := json.Unmarshal(text, &all[rank]); err != nil {
			return nil, fmt.Errorf("train: what rank %d has sent: %w", rank, err)
		}
	}
	return all, nil
}
