package train

import (
	"context"
	"errors"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/data/datasets"
	"depthwise.dev/report"
)

// ErrInterrupted is returned when the context ended and a checkpoint was written, from which
// Resume "auto" continues.
var ErrInterrupted = errors.New("interrupted")

// Result is the outcome of a run.
type Result struct {
	Dir      string
	Step     int64
	Epochs   int     // completed
	BestTop1 float64 // of Best
	Best     Best    // the best epoch; its Epoch is 0 without a validation
	Finished bool    // nothing is left to train
	Stopped  string  // why the run finished early; "": it did not
	Image    string  // the path of an image of the data set, to try the weights on; "": its images are in shards
}

// Best is the validation of the best epoch, whose weights are in best.safetensors. Accuracies are fractions.
type Best struct {
	Epoch int // from 1; 0: none
	Top1  float64
	MAP   float64 // of multi-label data, whose Top1 counts exact matches
}

// Fit trains as configured, with the trainer's parts, in the run's folder, and records events to
// rec, which the caller closes. When ctx ends, Fit writes a checkpoint and returns ErrInterrupted.
// A finished run is not changed, unless ExtendEpochs makes it longer.
func (t Trainer) Fit(ctx context.Context, c config.Config, rec report.Recorder) (Result, error) {
	r, err := t.prepare(ctx, c)
	if err != nil {
		return Result{}, err
	}
	folder, err := r.openFolder()
	if err != nil {
		return Result{}, err
	}
	defer folder.close()
	r.folder, r.config.Threads = folder, folder.threads.n
	folder.olderSettings(&r.config)
	if folder.olderSplit() && r.images.split != nil {
		if r.images, err = openImages(ctx, r.config, datasets.ByOrder); err != nil {
			folder.discardNew()
			return Result{}, err
		}
		r.images.cutBatchSize(&r.config)
	}
	r.started = r.clock.time()
	if err := errors.Join(r.readClassWeights(), r.extend()); err != nil {
		folder.discardNew()
		return Result{}, err
	}
	if r.extended == 0 && r.finished() {
		return r.result(), r.alreadyFinished(rec)
	}
	err = autograd.Run(context.WithoutCancel(ctx), func(s *autograd.Scope) error {
		if err := r.build(s); err != nil {
			folder.discardNew()
			return err
		}
		if err := r.record(rec); err != nil {
			return err
		}
		err := r.repairBest(s)
		if err == nil {
			err = r.startExtension(s)
		}
		if err == nil {
			err = r.train(ctx, s)
		}
		return errors.Join(err, r.files.Close())
	})
	return r.result(), r.memoryError(err)
}
