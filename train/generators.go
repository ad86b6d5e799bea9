package train

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
)

// generators are the states of the generators that dropout draws from: that of the CPU and, of a run on a GPU, that of the
// GPU.
func (r *run) generators(s *autograd.Scope) ([]checkpoints.Array, error) {
	if r.ranks.several() {
		return nil, nil // see seedStep
	}
	list, err := appendGenerator(s, nil, generatorArray, autograd.CPU)
	if err != nil || r.Place == autograd.CPU {
		return list, err
	}
	return appendGenerator(s, list, gpuGenerator, r.Place)
}

func appendGenerator(s *autograd.Scope, list []checkpoints.Array, name string, device autograd.Device) ([]checkpoints.Array, error) {
	state := autograd.GeneratorState(s, device)
	if s.Err() != nil {
		return nil, s.Err()
	}
	a, err := checkpoints.NewArray(name, state, len(state))
	return append(list, a), err
}

// restoreGenerator restores the state of a generator from a checkpoint. Checkpoints of earlier versions have none of a GPU,
// whose generator then begins with the seed.
func (r *run) restoreGenerator(s *autograd.Scope, a checkpoints.Array) error {
	state, err := checkpoints.Values[uint8](a)
	if err != nil {
		return err
	}
	device := autograd.CPU
	if a.Name == gpuGenerator {
		device = r.Place
	}
	autograd.SetGeneratorState(s, device, state)
	return s.Err()
}

// seedStep seeds the generators of a run of several ranks: each rank drops other values, and what it drops is a function of the
// seed, the step and the rank, so that checkpoints need no states of the ranks' generators.
func (r *run) seedStep(s *autograd.Scope) {
	if !r.ranks.several() {
		return
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d step %d rank %d", r.config.Seed, r.Step, r.ranks.rank()))
	autograd.Seed(s, binary.LittleEndian.Uint64(sum[:]))
}
