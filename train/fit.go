package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// ErrInterrupted is returned when the context ended and a checkpoint has been written; --resume auto goes on from it.
var ErrInterrupted = errors.New("interrupted")

// Result is what a run came to.
type Result struct {
	Dir      string
	Step     int64
	Epochs   int     // that are done
	BestTop1 float64 // the best validation accuracy, a fraction
}

// Fit trains as configured, in the run's folder, and tells rec of it. The caller closes rec. When ctx ends, Fit writes
// a checkpoint and returns ErrInterrupted. A run that has ended already is left as it is.
func Fit(ctx context.Context, c Config, rec report.Recorder) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	images, err := openImages(ctx, c)
	if err != nil {
		return Result{}, err
	}
	c.Model.Classes = len(images.train.Classes)
	dir, err := c.OutFolder()
	if err != nil {
		return Result{}, err
	}
	folder, err := openRunFolder(dir, c)
	if err != nil {
		return Result{}, err
	}
	defer folder.unlock()
	r := &run{config: c, folder: folder, images: images, clock: clock{started: time.Now()}}
	if r.finished() {
		if err := r.sameSettings(*folder.resume); err != nil {
			return r.result(), fmt.Errorf("train: %s: the run has ended: %w", dir, err)
		}
		return r.result(), rec.Record(report.Note{Level: report.Info, Text: dir + ": the run has ended already; nothing to do"})
	}
	err = autograd.Run(context.WithoutCancel(ctx), func(s *autograd.Scope) error {
		if err := r.build(s); err != nil {
			return err
		}
		if err := r.record(rec); err != nil {
			return err
		}
		err := r.mendBest(s)
		if err == nil {
			err = r.train(ctx, s)
		}
		return errors.Join(err, r.files.Close())
	})
	return r.result(), err
}

// run is a training run: its parts, and where it is.
type run struct {
	config Config
	folder *runFolder
	images images
	machine

	loader    *data.Loader
	valLoader *data.Loader // nil without validation images
	network   *mobilenet.Network
	leaves    autograd.List // the network's parameters
	optimizer optim.Optimizer
	average   *optim.Average     // of the network's weights; nil: none
	averaged  *mobilenet.Network // whose weights are the average
	schedule  optim.Schedule

	stepsPerEpoch, totalSteps int64

	progress
	recorder report.Multi // everybody who is told
	files    report.Multi // those of them that Fit closes
	named    map[string]bool
	bound    binding        // what was said last to set the pace
	unread   []data.Problem // training images that could not be read in this epoch, in this process
	clock
}

// finished reports whether the folder's checkpoint is that of a run's end.
func (r *run) finished() bool {
	if r.folder.resume == nil {
		return false
	}
	var p progress
	if err := json.Unmarshal([]byte(r.folder.resume.Meta[metaProgress]), &p); err != nil || !p.Done {
		return false
	}
	r.progress = p
	return r.config.Resume == "auto"
}

func (r *run) result() Result {
	return Result{Dir: r.folder.dir, Step: r.Step, Epochs: r.Epoch, BestTop1: r.Best.Top1}
}

// build makes every part of the run, and puts it where the checkpoint says if it is resumed.
func (r *run) build(s *autograd.Scope) (err error) {
	c := r.config
	if r.machine, err = newMachine(s, c.compute()); err != nil {
		return err
	}
	if r.loader, err = data.NewLoader(r.images.train, c.LoaderOptions(true)); err != nil {
		return err
	}
	if r.images.val != nil {
		if r.valLoader, err = data.NewLoader(r.images.val, c.LoaderOptions(false)); err != nil {
			return err
		}
	}
	batches, accumulate := int64(r.loader.Batches()), int64(c.Accumulate)
	r.stepsPerEpoch = (batches + accumulate - 1) / accumulate
	r.totalSteps = r.stepsPerEpoch * int64(c.Epochs)
	if c.MaxSteps > 0 {
		r.totalSteps = min(r.totalSteps, c.MaxSteps)
	}
	if r.schedule, err = c.NewSchedule(r.stepsPerEpoch, r.totalSteps); err != nil {
		return err
	}

	autograd.Seed(s, c.Seed)
	r.network = mobilenet.New(s, c.Model, c.Seed)
	r.network.To(s, r.device)
	r.network.Kernels = r.machine.kernels
	for _, p := range r.network.Parameters() {
		r.leaves = append(r.leaves, p.Tensor)
	}
	if r.optimizer, err = c.NewOptimizer(s, r.network.Parameters()); err != nil {
		return err
	}
	if c.EMADecay > 0 {
		r.averaged = mobilenet.New(s, c.Model, c.Seed)
		r.averaged.To(s, r.device)
		r.averaged.Kernels = r.machine.kernels
		r.average = optim.NewAverage(s, r.network.State(), r.averaged.State(), c.EMADecay)
	}
	if r.folder.resume != nil {
		return r.resume(s)
	}
	return s.Err()
}

// record opens the run's files and tells everybody of the start.
func (r *run) record(progress report.Recorder) error {
	r.named = map[string]bool{}
	from := report.Position{Step: r.Step, Epochs: r.Epoch}
	events, err := report.OpenJSONL(r.folder.path(eventsFile), from)
	if err != nil {
		return err
	}
	r.files = append(r.files, events)
	metrics, err := report.OpenCSV(r.folder.path(metricsFile), from)
	if err != nil {
		return errors.Join(err, r.files.Close())
	}
	r.files = append(r.files, metrics)
	r.recorder = append(append(r.recorder, r.files...), &shown{Recorder: progress})

	start := report.Start{Run: r.folder.dir, Images: r.images.train.Len(), Epochs: r.config.Epochs, Batches: r.loader.Batches(), Step: r.Step, Steps: r.totalSteps,
		Description: fmt.Sprintf("%v; %v", r.network, r.machine)}
	if r.images.val != nil {
		start.ValImages = r.images.val.Len()
	}
	errs := []error{r.recorder.Record(start)}
	for _, damaged := range r.folder.passed {
		errs = append(errs, r.note(report.Warning, fmt.Sprintf("passed over a damaged checkpoint: %v", damaged)))
	}
	for i, note := range r.images.notes {
		if i == maxNotes {
			errs = append(errs, r.note(report.Warning, fmt.Sprintf("and %d more like these", len(r.images.notes)-i)))
			break
		}
		errs = append(errs, r.note(report.Warning, note))
	}
	return errors.Join(errs...)
}

// maxNotes is how many problems of the data are named at the start.
const maxNotes = 20

func (r *run) note(level, text string) error {
	return r.recorder.Record(report.Note{Level: level, Text: text})
}
