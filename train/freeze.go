package train

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/report"
)

// frozen returns the parts of the network that are frozen in the current epoch.
func (r *run) frozen() (backend.Frozen, error) {
	after := r.config.UnfreezeAfter
	ended := r.Done && r.Epoch == after // the run ended there, and an extension unfreezes
	if after > 0 && r.Epoch >= after && !ended {
		return backend.Frozen{}, nil
	}
	return r.config.Frozen(r.net.graph)
}

// alwaysFrozen returns the parts that are frozen in every epoch.
func (r *run) alwaysFrozen() (backend.Frozen, error) {
	if r.config.UnfreezeAfter > 0 {
		return backend.Frozen{}, nil
	}
	return r.config.Frozen(r.net.graph)
}

// prepareTraining freezes parts of the network, and makes the optimizer of the others.
func (r *run) prepareTraining(s *autograd.Scope) error {
	f, err := r.frozen()
	if err != nil {
		return err
	}
	if r.steps != nil {
		r.steps.Reset() // of other layers
	}
	r.network.Freeze(s, f)
	r.leaves = nil
	for _, p := range r.network.Trainable() {
		r.leaves = append(r.leaves, p.Tensor)
	}
	if r.optimizer, err = r.newOptimizer(s); err != nil {
		return err
	}
	r.newLossScaler(s)
	r.features = nil
	if f.Layers > 0 && f.Layers == len(r.net.graph.Layers)-r.net.graph.HeadLayers() {
		r.features = &features{inference: r.Machine.Inference(s, r.network)}
	}
	if r.steps == nil {
		if err := r.newSteps(s); err != nil {
			return err
		}
	}
	r.steps.Leaves = r.leaves
	r.newReducer(s)
	return s.Err()
}

// unfreeze trains all layers from this epoch on, with a new optimizer, if the configuration says so.
func (r *run) unfreeze(s *autograd.Scope) error {
	if r.config.UnfreezeAfter == 0 || r.Epoch != r.config.UnfreezeAfter || r.Done {
		return nil
	}
	var old autograd.List
	for _, t := range r.optimizer.State().Tensors {
		old = append(old, t.Tensor)
	}
	if err := r.prepareTraining(s); err != nil {
		return err
	}
	s.Free(old...)
	return r.note(report.Info, fmt.Sprintf("all layers train from epoch %d on", r.Epoch+1))
}
