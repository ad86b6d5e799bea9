package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/optim"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// run is a training run: its parts and its progress.
type run struct {
	trainer   Trainer
	ranks     ranks
	usual     threads // the default number
	config    config.Config
	choices   []string // what was chosen by the data, and why; "": nothing
	startNote string   // about the weights that the run starts from
	origin    string   // of those weights, if they were published: JSON
	net       network
	folder    *runFolder
	images    images
	backend.Machine

	loader    *data.Loader
	valLoader *data.Loader // nil without validation images
	network   *backend.Network
	leaves    autograd.List // the parameters that train
	features  *features     // while the backbone is frozen, else nil
	optimizer optim.Optimizer
	scaler    *optim.LossScaler // of losses in float16; nil: none
	average   *optim.Average    // of the weights; nil: none
	averaged  *backend.Network  // network of the average
	swa       *swa              // nil: no weight averaging at the end
	schedule  optim.Schedule
	plateau   *optim.Plateau // the schedule, if it observes the validation

	classWeights []float64 // of the classes in the loss; nil: none
	posWeight    []float32 // of multi-label classes; nil: none

	stepsPerEpoch, totalSteps int64

	extended int // the number of epochs before an extension of the run; 0: it is not extended

	progress
	steps        *backend.Steps
	skippedNoted bool            // whether a skipped step was noted
	graphsNoted  bool            // whether steps are replayed
	pending      pending         // steps of progress that are not recorded yet
	recorder     report.Multi    // all recorders
	files        report.Multi    // those that Fit closes
	recorded     map[string]bool // unreadable images that were recorded
	bottleneck   bottleneck      // the last recorded one
	divergence   divergence
	unread       []data.Problem // unreadable training images of this epoch, in this process
	clock
	pace  pace
	prior time.Duration // of the time limit, used by earlier processes
	ended bool          // by a callback

	agreed   *votes            // of all ranks after the last step; nil: not asked
	requests []control.Request // taken on rank 0, and not carried out yet
	wantsEnd bool              // a callback of this rank finished the run
	eachStep bool              // a rank has callbacks after each step
	reducer  *autograd.GradientReducer
	sync     *autograd.NormSync // of the network's batch norms; nil: each rank has statistics of its own
	own      report.Recorder    // of what concerns this rank alone; nil: recorder
}

func (r *run) result() Result {
	return Result{Dir: r.folder.dir, Step: r.Step, Epochs: r.Epoch, BestTop1: r.Best.Top1, Best: Best{Epoch: r.Best.Epoch, Top1: r.Best.Top1, MAP: r.Best.MAP}, Finished: r.Done, Stopped: r.Stopped,
		Image: r.images.example()}
}

// build creates every part of the run, and restores the checkpoint if the run is resumed.
func (r *run) build(s *autograd.Scope) (err error) {
	c := r.config
	if r.Machine, err = backend.NewMachine(s, r.net.graph, c.BackendOptions()); err != nil {
		return err
	}
	if err = errors.Join(r.compareMachines(), r.checkMemory()); err != nil {
		return err
	}
	if r.loader, err = data.NewLoader(r.images.train, r.loaderOptions(true)); err != nil {
		return err
	}
	if r.images.val != nil {
		if r.valLoader, err = data.NewLoader(r.images.val, r.loaderOptions(false)); err != nil {
			return err
		}
	}
	if r.stepsPerEpoch, err = r.countSteps(); err != nil {
		return err
	}
	r.totalSteps = r.longest()
	r.posWeight = r.images.posWeights(c)
	if err = r.checkExtension(); err != nil {
		return err
	}

	autograd.Seed(s, c.Seed)
	r.network = r.New(s, r.net.graph, c.Seed)
	if r.ranks.first() {
		if err := r.loadInit(s); err != nil {
			return err
		}
	}
	r.broadcastState(s)
	if f := r.folder.resume; f != nil && f.Meta[metaProgress] != "" { // the epoch says what is frozen
		if err := json.Unmarshal([]byte(f.Meta[metaProgress]), &r.progress); err != nil {
			return fmt.Errorf("train: resume from %s: its metadata %q: %w", r.folder.from, metaProgress, err)
		}
	}
	r.startBudget()
	if err := errors.Join(r.setSchedule(), r.prepareTraining(s)); err != nil {
		return err
	}
	if err := r.newAverages(s); err != nil {
		return err
	}
	if r.folder.resume != nil {
		return r.resume(s)
	}
	return s.Err()
}
