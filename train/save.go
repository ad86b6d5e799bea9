package train

import (
	"encoding/json"
	"errors"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// save writes a checkpoint, and before it best.safetensors if the weights are the best so far: a
// kill in between leaves a newer best file, which the resumed run writes again, byte for byte.
// Values that are not finite are an error, so that the last good checkpoint remains the newest.
func (r *run) save(s *autograd.Scope, isBest bool) error {
	began := r.clock.time()
	if err := errors.Join(r.recordAll(s), r.folder.check()); err != nil {
		return err
	}
	if err := r.checkFinite(s); err != nil {
		return err
	}
	if err := r.compareStates(s); err != nil {
		return err
	}
	if r.folder.elsewhere {
		r.clock.saved()
		return nil
	}
	if err := r.folder.keepConfig(r.config); err != nil {
		return err
	}
	if isBest {
		if err := r.writeBest(s); err != nil {
			return err
		}
	}
	return s.Sub(func(s *autograd.Scope) error {
		snapshot, err := r.snapshot(s)
		if err != nil {
			return err
		}
		path, err := r.folder.store.Save(r.Step, snapshot, r.Best.Step) // best.safetensors can be written again from it
		if err != nil {
			if path == "" {
				return fmt.Errorf("train: step %d: %w; free space or fix the folder, then continue with train resume %s", r.Step, err, r.folder.dir)
			}
			err = r.note(report.Warning, err.Error())
		}
		r.clock.saved()
		r.pace.saving = r.clock.since(began).Seconds()
		if err != nil {
			return err
		}
		return r.recorder.Record(report.Checkpoint{Step: r.Step, Path: data.EscapeName(path), Best: isBest})
	})
}

// checkFinite checks every parameter, running statistic and optimizer state.
func (r *run) checkFinite(s *autograd.Scope) error {
	return s.NoGrad(func(s *autograd.Scope) error {
		tensors := append(r.network.State(), r.optimizer.State().Tensors...)
		if r.average != nil {
			for _, t := range r.average.State().Tensors {
				tensors = append(tensors, autograd.Named{Name: weights.AveragePrefix + t.Name, Tensor: t.Tensor})
			}
		}
		for _, t := range tensors {
			if !(autograd.List{t.Tensor}).AllFinite(s) && s.Err() == nil {
				return fmt.Errorf("train: epoch %d step %d: %s holds a value that is %w; no checkpoint is written; %s", r.Epoch+1, r.Step, t.Name, ErrNotFinite, r.advice())
			}
		}
		return s.Err()
	})
}

func (r *run) writeBest(s *autograd.Scope) error {
	return s.Sub(func(s *autograd.Scope) error {
		w, err := r.weights(s)
		if err == nil && r.Best.SWA {
			w.Raw = nil
			w.Arrays, err = backend.HostArrays(s, "", r.swa.network.State())
		}
		if err != nil {
			return err
		}
		return r.writeBestFrom(w)
	})
}

// writeBestFrom writes best.safetensors: weights alone, with their accuracy. Of a run with a weight
// average they are the average, with the weights beside it, or the weights alone if they are better.
func (r *run) writeBestFrom(w weights.Weights) error {
	if r.Best.Plain {
		w = w.Plain()
	}
	accuracy, err := json.Marshal(r.Best)
	if err != nil {
		return fmt.Errorf("train: %s: %w", weights.BestFile, err)
	}
	w.Meta = map[string]string{}
	if err := r.describe(&w); err != nil {
		return err
	}
	w.Meta[weights.MetaBest] = string(accuracy)
	if r.images.val != nil {
		images, err := json.Marshal(weights.Images{Train: r.images.train.Len(), Val: r.images.val.Len()})
		if err != nil {
			return fmt.Errorf("train: %s: %w", weights.BestFile, err)
		}
		w.Meta[weights.MetaImages] = string(images)
	}
	path := r.folder.path(weights.BestFile)
	if err := regularfile.Clear(path); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return w.Write(path)
}
