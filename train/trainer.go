package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/optim"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// Trainer trains networks. The zero value trains the configured network with the configured loss
// and optimizer; each field that is set replaces one of these. A resumed run needs the same parts:
// checkpoints record the graph and the names of loss and optimizer.
type Trainer struct {
	// Graph is the network. Its input must be square and have three channels, and it must have as
	// many classes as the data. nil: the MobileNet of the configuration.
	Graph *models.Graph
	// Preprocessing of the images for Graph. The zero value is [models.ImageNetPreprocessing].
	Preprocessing models.Preprocessing
	// Loss of training. The zero value is the configured one, see [config.Config.NewLoss], and binary cross entropy of
	// multi-label data. Validation always reports the plain loss of the task.
	Loss Loss
	// Optimizer. The zero value is the configured one.
	Optimizer Optimizer
	// Callbacks are called in order.
	Callbacks []Callback
	// Control takes requests from other goroutines: checkpoint, stop, pause, continue, and changes of the learning rate. It belongs
	// to one call of Fit. nil: none.
	Control *control.Control
	// Group trains together with other processes, each of which calls Fit with the same settings and its own member of the group.
	// Rank 0 has the run's folder and records its events; the others record warnings of their own alone. After an error other than
	// [ErrInterrupted], the caller tells the other ranks ([distributed.Group.Fail]). nil: one process.
	Group Group

	now  func() time.Time                  // for tests; nil: time.Now
	late func(*autograd.Readback) readback // for tests: replaces the results of steps
}

// Loss computes the training loss of a batch.
type Loss struct {
	Name string // recorded in checkpoints; required
	// Compute returns the mean loss over the batch, a scalar, of logits (N, classes). Multi-label data has its targets in
	// targets.MultiLabel.
	Compute func(s *autograd.Scope, logits *autograd.Tensor, targets autograd.Targets) *autograd.Tensor
}

// Optimizer makes an optimizer over the network's parameters. In fp16 its updates must obey [optim.StepOptions.Scaler], as those of
// package optim do.
type Optimizer struct {
	Name string // recorded in checkpoints; required
	New  func(s *autograd.Scope, parameters []optim.Parameter) (optim.Optimizer, error)
}

// Callback is called during training, on the goroutine of the scope. Fields may be nil. An error
// ends the run; [ErrStop] finishes it: it is validated, saved and reported as finished.
type Callback struct {
	// BeforeStep is called before the batches of a step are read. Of e are set Step, Epoch, Batches, and as Batch the number of
	// batches that the epoch has had. ErrStop finishes the run with this step.
	BeforeStep func(s *autograd.Scope, n *backend.Network, e report.Step) error
	// AfterStep is called after each step. It makes a run on a GPU slower, which waits for the end of each step then.
	AfterStep  func(s *autograd.Scope, n *backend.Network, e report.Step) error
	AfterEpoch func(s *autograd.Scope, n *backend.Network, e report.Epoch) error // after validation
	// BeforeBatch receives each training batch, which it must not keep, with the names of the classes. While features of a frozen
	// backbone are cached, there are none.
	BeforeBatch func(b *data.Batch, classes []string) error
	// Validated receives the logits of each validation image whose label is one class, by each network that is validated; it
	// must not keep them. [Validation.Network] says which of them counts.
	Validated func(network int, o classify.Outcome, logits []float32)
	// AfterValidation receives each validation, before AfterEpoch.
	AfterValidation func(e report.Epoch, v Validation) error
}

// validate checks that the loss and the optimizer have names to record.
func (t Trainer) validate() error {
	for _, part := range []struct {
		what, name string
		set        bool
	}{{"loss", t.Loss.Name, t.Loss.Compute != nil}, {"optimizer", t.Optimizer.Name, t.Optimizer.New != nil}} {
		if part.set != (part.name != "") {
			return fmt.Errorf("train: the trainer's %s needs a function and a name, which checkpoints record; it has one of them", part.what)
		}
	}
	return nil
}

// ErrStop is returned by a callback to finish the run early. Of several ranks, one is enough; those of AfterStep end the run one
// step later.
var ErrStop = errors.New("stop training")

// Fit trains the configured network: [Trainer.Fit] of the zero Trainer.
func Fit(ctx context.Context, c config.Config, rec report.Recorder) (Result, error) {
	return Trainer{}.Fit(ctx, c, rec)
}

// beforeStep calls the callbacks.
func (r *run) beforeStep(s *autograd.Scope) error {
	e := report.Step{Step: r.Step + 1, Epoch: r.Epoch + 1, Batch: r.Batch, Batches: r.loader.Batches()}
	for _, c := range r.trainer.Callbacks {
		if c.BeforeStep == nil {
			continue
		}
		if err := r.stopped(c.BeforeStep(s, r.network, e)); err != nil {
			return fmt.Errorf("train: epoch %d step %d: callback: %w", e.Epoch, e.Step, err)
		}
	}
	return s.Err()
}

// stepCallbacks reports whether a callback is called after each step.
func (t Trainer) stepCallbacks() bool {
	return slices.ContainsFunc(t.Callbacks, func(c Callback) bool { return c.AfterStep != nil })
}

// afterStep calls the callbacks.
func (r *run) afterStep(s *autograd.Scope, e report.Step) error {
	for _, c := range r.trainer.Callbacks {
		if c.AfterStep == nil {
			continue
		}
		if err := r.stopped(c.AfterStep(s, r.network, e)); err != nil {
			return fmt.Errorf("train: epoch %d step %d: callback: %w", e.Epoch, e.Step, err)
		}
	}
	return s.Err()
}

// afterEpoch calls the callbacks.
func (r *run) afterEpoch(s *autograd.Scope, e report.Epoch) error {
	return s.Sub(func(s *autograd.Scope) error {
		for _, c := range r.trainer.Callbacks {
			if c.AfterEpoch == nil {
				continue
			}
			if err := r.stopped(c.AfterEpoch(s, r.network, e)); err != nil {
				return fmt.Errorf("train: epoch %d: callback: %w", e.Epoch, err)
			}
		}
		return s.Err()
	})
}

// stopped finishes the run with this step if a callback returned ErrStop, and returns other errors.
func (r *run) stopped(err error) error {
	if errors.Is(err, ErrStop) && r.ranks.several() {
		r.wantsEnd = true
		return nil
	}
	if errors.Is(err, ErrStop) {
		r.totalSteps, r.ended = r.Step, true
		return nil
	}
	return err
}
