package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/optim"
	"depthwise.dev/weights"
)

// progress is the state of a run without its tensors. Without a time limit it holds no times and no
// speed: identical runs have identical progress, and byte-identical checkpoints.
type progress struct {
	Epoch int   `json:"epoch"` // of the next batch, from 0
	Batch int   `json:"batch"` // the next one within the epoch
	Step  int64 `json:"step"`  // optimizer steps so far
	Seen  tally `json:"seen"`  // in this epoch so far
	Best  best  `json:"best"`
	Done  bool  `json:"done"` // the run is finished

	Stopped  string              `json:"stopped,omitempty"` // why it finished early
	Patience *patience           `json:"patience,omitempty"`
	Plateau  *optim.PlateauState `json:"plateau,omitempty"`
	SWA      *swaProgress        `json:"swa,omitempty"`
	Budget   *budget             `json:"budget,omitempty"`
	// LRChanges are the changes of the learning rate on request, in their order.
	LRChanges []lrChange             `json:"lr_changes,omitempty"`
	LossScale *optim.LossScalerState `json:"loss_scale,omitempty"` // of a run in float16
	Older     bool                   `json:"older,omitempty"`      // see runFolder.olderSettings
}

// tally sums the training images of an epoch.
type tally struct {
	Images  int     `json:"images"`
	Correct int     `json:"correct"`
	Loss    float64 `json:"loss"` // the sum over images
	Skipped int     `json:"skipped"`
	Weight  float64 `json:"weight,omitempty"` // with class weights, the sum of the images' weights in the loss
	// SkippedUpdates counts the steps whose gradients exceeded float16.
	SkippedUpdates int `json:"skipped_updates,omitempty"`
}

func (t *tally) add(o tally) {
	t.Images += o.Images
	t.Correct += o.Correct
	t.Loss += o.Loss
	t.Skipped += o.Skipped
	t.Weight += o.Weight
	t.SkippedUpdates += o.SkippedUpdates
}

// weight is what the sum of the losses is divided by.
func (t tally) weight() float64 {
	if t.Weight > 0 {
		return t.Weight
	}
	return float64(max(t.Images, 1))
}

func (t tally) rates() (loss, top1 float64) {
	return t.Loss / t.weight(), float64(t.Correct) / float64(max(t.Images, 1))
}

// best is the best validation so far; Step 0 means none.
type best struct {
	Step  int64   `json:"step"`
	Epoch int     `json:"epoch"` // from 1
	Top1  float64 `json:"top1"`
	Top5  float64 `json:"top5"`
	Loss  float64 `json:"loss"`
	MAP   float64 `json:"map,omitempty"`   // mean average precision of multi-label data, of which Top1 counts exact matches
	Plain bool    `json:"plain,omitempty"` // of a run with a weight average: the weights themselves, not the average
	SWA   bool    `json:"swa,omitempty"`   // the average of the last epochs
}

// A checkpoint's metadata, beside that of its weights. Each is a JSON value, except for the
// configuration, which is YAML.
const (
	metaProgress  = "progress"
	metaOptimizer = "optimizer_steps"
	metaAverage   = "average_steps" // of a run with a weight average
	metaMachine   = "machine"
	metaRanks     = "ranks" // number of ranks that computed it; absent for one process
	metaData      = weights.MetaData
	metaImages    = "data_images"   // numbers of images, see counts
	metaPictures  = "data_pictures" // digest of a few reduced training images; "" if the data set is remote
	metaConfig    = "config"
	metaLoss      = "loss"          // name of the trainer's loss, if it has one
	metaRule      = "optimizer"     // name of the trainer's optimizer, if it has one
	metaWeights   = "class_weights" // of a run with class weights, in the order of the classes
)

// Arrays of a checkpoint, other than weights.
const (
	optimizerPrefix = "optimizer/"
	generatorArray  = "generator/cpu"
	gpuGenerator    = "generator/cuda" // of a run on a GPU
)

// weights copies the network to the host, and its average where there is one.
func (r *run) weights(s *autograd.Scope) (w weights.Weights, err error) {
	w = weights.Weights{Graph: r.net.graph, Config: r.net.config, Classes: r.images.train.Classes, Preprocess: r.net.preprocess, Meta: map[string]string{}}
	if err := r.describe(&w); err != nil {
		return w, err
	}
	if w.Arrays, err = backend.HostArrays(s, "", r.network.State()); err != nil || r.average == nil {
		return w, err
	}
	w.Raw = w.Arrays
	w.Arrays, err = backend.HostArrays(s, "", r.average.State().Tensors)
	return w, err
}

// describe records in the metadata the origin of published weights that the run started from and the validation
// split, where there are.
func (r *run) describe(w *weights.Weights) error {
	if r.multiLabel() {
		w.Meta[weights.MetaTask] = weights.TaskMultiLabel
	}
	if r.origin != "" {
		w.Meta[weights.MetaOrigin] = r.origin
	}
	if r.config.ValSplit == 0 || r.images.ownVal {
		return nil
	}
	w.SetValSplit(r.config.ValSplit, r.config.Seed)
	if r.images.split == nil {
		return nil // a run of an earlier version continues with what it recorded
	}
	text, err := json.Marshal(r.images.split)
	if err != nil {
		return fmt.Errorf("train: metadata %q: %w", weights.MetaSplit, err)
	}
	w.Meta[weights.MetaSplit] = string(text)
	return nil
}

// snapshot returns the complete state of the run as one file.
func (r *run) snapshot(s *autograd.Scope) (checkpoints.File, error) {
	w, err := r.weights(s)
	if err != nil {
		return checkpoints.File{}, err
	}
	f, err := w.Plain().File()
	if err != nil {
		return f, err
	}
	state := r.optimizer.State()
	kept, err := backend.HostArrays(s, optimizerPrefix, state.Tensors)
	if err != nil {
		return f, err
	}
	f.Arrays = append(f.Arrays, kept...)
	if r.average != nil {
		f.Arrays = append(f.Arrays, weights.Prefixed(weights.AveragePrefix, w.Arrays)...)
		f.Meta[metaAverage] = strconv.FormatInt(r.average.State().Steps, 10)
	}
	if r.SWA != nil {
		swa, err := backend.HostArrays(s, swaPrefix, r.swa.network.State())
		if err != nil {
			return f, err
		}
		f.Arrays = append(f.Arrays, swa...)
	}
	if r.Budget != nil {
		r.Budget.Used = r.used()
	}
	generators, err := r.generators(s)
	if err != nil {
		return f, err
	}
	f.Arrays = append(f.Arrays, generators...)
	r.keepLossScale(s)
	meta, err := r.meta(state.Steps)
	maps.Copy(f.Meta, meta)
	return f, errors.Join(err, s.Err())
}

func (r *run) meta(optimizerSteps int64) (map[string]string, error) {
	config, err := resultSettings(r.config).YAML()
	if err != nil {
		return nil, err
	}
	r.Older = r.folder.older
	meta := map[string]string{metaConfig: string(config), metaData: r.images.digest, metaPictures: r.images.pictures}
	for key, name := range r.trainer.names() {
		meta[key] = name
	}
	if r.classWeights != nil {
		text, err := json.Marshal(r.classWeights)
		if err != nil {
			return nil, fmt.Errorf("train: checkpoint: %s: %w", metaWeights, err)
		}
		meta[metaWeights] = string(text)
	}
	if r.ranks.several() {
		meta[metaRanks] = strconv.Itoa(r.ranks.size())
	}
	for key, value := range map[string]any{metaProgress: r.progress, metaOptimizer: optimizerSteps, metaMachine: r.Machine, metaImages: r.images.counts()} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("train: checkpoint: %s: %w", key, err)
		}
		meta[key] = string(text)
	}
	return meta, nil
}

// names returns the metadata of the parts that the caller replaced.
func (t Trainer) names() map[string]string {
	names := map[string]string{}
	if t.Loss.Compute != nil {
		names[metaLoss] = t.Loss.Name
	}
	if t.Optimizer.New != nil {
		names[metaRule] = t.Optimizer.Name
	}
	return names
}

// restore restores the state of a snapshot.
func (r *run) restore(s *autograd.Scope, f checkpoints.File) error {
	var state, average, swa optim.State
	metas := map[string]any{metaProgress: &r.progress, metaOptimizer: &state.Steps}
	if r.average != nil {
		metas[metaAverage] = &average.Steps
	}
	for key, to := range metas {
		if err := json.Unmarshal([]byte(f.Meta[key]), to); err != nil {
			return fmt.Errorf("train: its metadata %q: %w", key, err)
		}
	}
	return s.Sub(func(s *autograd.Scope) error {
		values, own := map[string][]float32{}, r.network.Graph.ArrayNames()
		for _, a := range f.Arrays {
			folder, name, nested := strings.Cut(a.Name, "/")
			switch {
			case a.Name == generatorArray || a.Name == gpuGenerator:
				if err := r.restoreGenerator(s, a); err != nil {
					return err
				}
			case nested && !own[a.Name]:
				t, err := backend.Tensor(s, a)
				if err != nil {
					return err
				}
				to := map[string]*optim.State{optimizerPrefix: &state, weights.AveragePrefix: &average, swaPrefix: &swa}[folder+"/"]
				if to == nil {
					return fmt.Errorf("train: its array %q does not belong to a checkpoint", a.Name)
				}
				to.Tensors = append(to.Tensors, autograd.Named{Name: name, Tensor: t})
			default:
				v, err := checkpoints.Values[float32](a)
				if err != nil {
					return err
				}
				values[a.Name] = v
			}
		}
		err := errors.Join(r.network.Load(s, values), r.optimizer.Load(s, state), r.restoreLossScale(s))
		if r.average != nil {
			err = errors.Join(err, r.average.Load(s, average))
		}
		if r.SWA != nil && r.swa != nil {
			swa.Steps = r.SWA.Averaged
			err = errors.Join(err, r.swa.average.Load(s, swa))
		}
		return err
	})
}
