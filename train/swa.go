package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/optim"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// swa is stochastic weight averaging: the weights at the ends of the last epochs, averaged with equal weights. After the
// last one the statistics of batch norm are computed for the average, and it is validated.
type swa struct {
	network *backend.Network // of the average; the momentum of its batch norms is 1
	average *optim.Average
	ready   bool // it has its statistics
}

// swaProgress is the state of weight averaging beside its arrays.
type swaProgress struct {
	Averaged int64 `json:"averaged"` // epochs in the average
	Epoch    int   `json:"epoch"`    // the last one that was averaged, from 1
}

// swaPrefix is that of the average's arrays in a checkpoint.
const swaPrefix = "swa/"

// swaStart is the step from which the last epochs of a run are averaged.
func swaStart(epochs int, total, perEpoch int64) int64 {
	all := (total + perEpoch - 1) / perEpoch
	return max(0, all-int64(epochs)) * perEpoch
}

// newSWA makes the network of the average. A momentum of 1 makes the running statistics those of the last batch,
// from which computeStatistics takes the mean.
func (r *run) newSWA(s *autograd.Scope) error {
	layers := slices.Clone(r.net.graph.Layers)
	for i, l := range layers {
		if l.Norm != nil {
			norm := *l.Norm
			norm.Momentum = 1
			layers[i].Norm = &norm
		}
	}
	g, err := models.NewGraph(r.net.graph.Name, r.net.graph.Input, layers)
	if err != nil {
		return fmt.Errorf("train: weight averaging: %w", err)
	}
	n := r.New(s, g, r.config.Seed)
	r.swa = &swa{network: n, average: optim.NewEqualAverage(s, r.network.State(), n.State())}
	return s.Err()
}

// averageEpoch adds the weights at the end of an epoch to the average, once, and completes it at the end of the run.
func (r *run) averageEpoch(ctx context.Context, s *autograd.Scope) error {
	if r.swa == nil || r.Step <= swaStart(r.config.SWAEpochs, r.totalSteps, r.stepsPerEpoch) {
		return nil
	}
	if r.SWA == nil {
		r.SWA = &swaProgress{}
	}
	if r.SWA.Epoch <= r.Epoch { // otherwise the validation of this epoch was interrupted
		r.swa.average.Update(s)
		r.SWA.Averaged, r.SWA.Epoch = r.SWA.Averaged+1, r.Epoch+1
	}
	if r.Step < r.totalSteps && r.Epoch+1 < r.config.Epochs {
		return s.Err()
	}
	r.swa.network.Freeze(s, r.network.Frozen())
	if err := r.computeStatistics(ctx, s); err != nil {
		return err
	}
	r.swa.ready = true
	return s.Err()
}

// computeStatistics computes the running statistics of the average's batch norms: the mean over the batches of one
// epoch of training images, as torch.optim.swa_utils.update_bn. Those of frozen layers stay. An interrupted pass begins
// again. libtorch's generators, which dropout draws from, are left as they were.
func (r *run) computeStatistics(ctx context.Context, s *autograd.Scope) error {
	var running, own autograd.List
	buffers := r.network.Buffers()
	for i, b := range r.swa.network.Buffers() {
		running, own = append(running, b.Tensor), append(own, buffers[i].Tensor)
	}
	if len(running) == 0 || r.features != nil { // the head has no batch norm
		return nil
	}
	generators, err := r.generators(s)
	if err != nil {
		return err
	}
	sync := r.syncNorms(r.swa.network)
	r.seedStep(s)
	batches := r.loader.Epoch(context.WithoutCancel(ctx), r.Epoch+1, 0)
	defer batches.Close()
	err = s.Sub(func(s *autograd.Scope) error {
		return s.NoGrad(func(s *autograd.Scope) error {
			mean := running.ZerosLike(s)
			running.CopyFrom(s, own) // an interrupted pass left others, on which the rounding of the first batch depends
			for n, images := 0, 0; ; {
				if err := r.interrupted(ctx); err != nil {
					return err
				}
				b, err := batches.Next()
				if errors.Is(err, io.EOF) {
					running.CopyFrom(s, r.meanOverRanks(s, mean, images))
					return s.Err()
				}
				if err != nil {
					return fmt.Errorf("train: batch-norm statistics of the average: %w", err)
				}
				trains, err := r.takesPart(b)
				if err != nil {
					return err
				}
				if !trains {
					continue
				}
				n, images = n+1, images+b.N
				if err := r.batchStatistics(s, b, sync); err != nil {
					return err
				}
				mean.Lerp(s, running, 1/float64(n))
			}
		})
	})
	for _, g := range generators {
		err = errors.Join(err, r.restoreGenerator(s, g))
	}
	return err
}

// batchStatistics sets the running statistics of the average's batch norms to those of a batch. With synchronized batch norm a rank
// without an image takes part.
func (r *run) batchStatistics(s *autograd.Scope, b *data.Batch, sync *autograd.NormSync) error {
	if sync != nil && b.N == 0 {
		b = r.blackBatch()
		sync.Absent = true
		defer func() { sync.Absent = false }()
	}
	return s.Sub(func(s *autograd.Scope) error {
		r.Forward(s, r.swa.network, backend.Pixels(b, r.net.preprocess), autograd.Training)
		return s.Err()
	})
}

// meanOverRanks returns the mean of each rank's tensors, weighted by its number of images.
func (r *run) meanOverRanks(s *autograd.Scope, own autograd.List, images int) autograd.List {
	if !r.ranks.several() || r.sync != nil { // synchronized batch norm has the same statistics on all ranks
		return own
	}
	total := []float64{float64(images)}
	if err := r.ranks.Sum(total); err != nil {
		s.Fail(err)
		return own
	}
	list := make(autograd.List, len(own))
	for i, t := range own {
		sum := s.Scale(t, float64(images))
		r.ranks.Process().AllReduce(s, sum)
		list[i] = s.Scale(sum, 1/max(total[0], 1))
	}
	return list
}

// swaWeights are the arrays of the average in a checkpoint, as weights.
func swaWeights(w weights.Weights, path string) (weights.Weights, error) {
	f, err := checkpoints.Read(path)
	if err != nil {
		return w, err
	}
	own := w.Graph.ArrayNames()
	w.Arrays, w.Raw = nil, nil
	for _, a := range f.Arrays {
		if name, ok := strings.CutPrefix(a.Name, swaPrefix); ok && !own[a.Name] {
			w.Arrays = append(w.Arrays, checkpoints.Array{Name: name, Data: a.Data})
		}
	}
	return w, nil
}

// restartSWA lets an extended run average its own last epochs.
func (r *run) restartSWA() {
	if r.SWA != nil {
		r.SWA.Averaged = 0
		r.swa.average.Restart()
	}
}

// noteSWA says how the average compares with the epochs.
func (r *run) noteSWA() error {
	switch {
	case r.Best.SWA:
		return r.note(report.Info, fmt.Sprintf("%s holds the average of the last epochs up to %d (--swa-epochs)", weights.BestFile, r.Best.Epoch))
	case r.swa == nil || !r.swa.ready || r.Best.Step == 0:
		return nil
	}
	return r.note(report.Info, fmt.Sprintf("%s holds the %s of epoch %d: the average of the last %d epochs (--swa-epochs) was less accurate on the validation images", weights.BestFile, r.bestOfEpoch(), r.Best.Epoch, r.SWA.Averaged))
}

// bestOfEpoch names what best.safetensors holds of its epoch.
func (r *run) bestOfEpoch() string {
	if r.average != nil && !r.Best.Plain {
		return fmt.Sprintf("moving average (--ema-decay %v)", r.config.EMADecay)
	}
	return "weights"
}
