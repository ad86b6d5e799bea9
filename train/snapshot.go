package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
	"depthwise.dev/optim"
)

// progress is where a run is, apart from its tensors. It holds no clock and no speed: identical runs have identical
// progress, and so byte-identical checkpoints.
type progress struct {
	Epoch int   `json:"epoch"` // from 0, that the next batch belongs to
	Batch int   `json:"batch"` // the next one within the epoch
	Step  int64 `json:"step"`  // optimizer steps so far
	Seen  tally `json:"seen"`  // in this epoch so far
	Best  best  `json:"best"`
	Done  bool  `json:"done"` // the run has ended as configured
}

// tally adds up what training has seen of an epoch.
type tally struct {
	Images  int     `json:"images"`
	Correct int     `json:"correct"`
	Loss    float64 `json:"loss"` // the sum over images
	Skipped int     `json:"skipped"`
}

func (t *tally) add(o tally) {
	t.Images += o.Images
	t.Correct += o.Correct
	t.Loss += o.Loss
	t.Skipped += o.Skipped
}

func (t tally) rates() (loss, top1 float64) {
	n := float64(max(t.Images, 1))
	return t.Loss / n, float64(t.Correct) / n
}

// best is the best validation so far; Step 0 means none.
type best struct {
	Step  int64   `json:"step"`
	Epoch int     `json:"epoch"` // from 1
	Top1  float64 `json:"top1"`
	Top5  float64 `json:"top5"`
	Loss  float64 `json:"loss"`
}

// A checkpoint's metadata beside the entries of weights, each a JSON value but for the configuration, which is YAML.
const (
	metaProgress  = "progress"
	metaOptimizer = "optimizer_steps"
	metaAverage   = "average_steps" // of a run with a weight average
	metaMachine   = "machine"
	metaData      = "data_digest"
	metaConfig    = "config"
	metaBest      = "best"      // of a weights file: what it reached
	metaValSplit  = "val_split" // of a folder without val/, with the seed that chose the images
	metaSeed      = "seed"
)

// The arrays of a checkpoint that are no weights.
const (
	optimizerPrefix = "optimizer/"
	averagePrefix   = "ema/"
	generatorArray  = "generator/cpu"
)

// weights copies the network to the host, and its average where there is one.
func (r *run) weights(s *autograd.Scope) (w Weights, err error) {
	w = Weights{Config: r.network.Config, Classes: r.images.train.Classes, Preprocess: r.config.Preprocess(), Meta: r.splitMeta()}
	if w.Arrays, err = hostArrays(s, "", r.network.State()); err != nil || r.average == nil {
		return w, err
	}
	w.Raw = w.Arrays
	w.Arrays, err = hostArrays(s, "", r.average.State().Tensors)
	return w, err
}

// splitMeta tells, of a run whose validation images were taken from among its images, which ones they were.
func (r *run) splitMeta() map[string]string {
	if r.config.ValSplit == 0 || r.images.val == nil {
		return map[string]string{}
	}
	return map[string]string{metaValSplit: strconv.FormatFloat(r.config.ValSplit, 'g', -1, 64), metaSeed: strconv.FormatUint(r.config.Seed, 10)}
}

// snapshot is the whole moment as one file.
func (r *run) snapshot(s *autograd.Scope) (checkpoints.File, error) {
	w, err := r.weights(s)
	if err != nil {
		return checkpoints.File{}, err
	}
	f, err := w.Plain().file()
	if err != nil {
		return f, err
	}
	state := r.optimizer.State()
	kept, err := hostArrays(s, optimizerPrefix, state.Tensors)
	if err != nil {
		return f, err
	}
	f.Arrays = append(f.Arrays, kept...)
	if r.average != nil {
		f.Arrays = append(f.Arrays, renamed(w.Arrays, averagePrefix)...)
		f.Meta[metaAverage] = strconv.FormatInt(r.average.State().Steps, 10)
	}
	generator := autograd.GeneratorState(s)
	a, err := checkpoints.NewArray(generatorArray, generator, len(generator))
	if err != nil {
		return f, err
	}
	f.Arrays = append(f.Arrays, a)
	meta, err := r.meta(state.Steps)
	maps.Copy(f.Meta, meta)
	return f, errors.Join(err, s.Err())
}

func (r *run) meta(optimizerSteps int64) (map[string]string, error) {
	config, err := r.config.decisive().YAML()
	if err != nil {
		return nil, err
	}
	meta := map[string]string{metaConfig: string(config), metaData: r.images.digest}
	for key, value := range map[string]any{metaProgress: r.progress, metaOptimizer: optimizerSteps, metaMachine: r.machine} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("train: checkpoint: %s: %w", key, err)
		}
		meta[key] = string(text)
	}
	return meta, nil
}

// restore puts the run where the snapshot was taken.
func (r *run) restore(s *autograd.Scope, f checkpoints.File) error {
	var state, average optim.State
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
		values := map[string][]float32{}
		for _, a := range f.Arrays {
			folder, name, within := strings.Cut(a.Name, "/")
			switch {
			case a.Name == generatorArray:
				generator, err := checkpoints.Values[uint8](a)
				if err != nil {
					return err
				}
				autograd.SetGeneratorState(s, generator)
			case within:
				t, err := deviceTensor(s, a)
				if err != nil {
					return err
				}
				to := map[string]*optim.State{optimizerPrefix: &state, averagePrefix: &average}[folder+"/"]
				if to == nil {
					return fmt.Errorf("train: its array %q: no part of a checkpoint", a.Name)
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
		err := errors.Join(r.network.Load(s, values), r.optimizer.Load(s, state))
		if r.average != nil {
			err = errors.Join(err, r.average.Load(s, average))
		}
		return err
	})
}

// hostArrays copies float32 tensors to the host, with a prefix before their names.
func hostArrays(s *autograd.Scope, prefix string, tensors []autograd.Named) ([]checkpoints.Array, error) {
	arrays := make([]checkpoints.Array, len(tensors))
	for i, n := range tensors {
		a, err := hostArray(s, prefix+n.Name, n.Tensor)
		if err != nil {
			return nil, err
		}
		arrays[i] = a
	}
	return arrays, nil
}

// hostArray copies a float32 tensor to the host.
func hostArray(s *autograd.Scope, name string, t *autograd.Tensor) (checkpoints.Array, error) {
	values := autograd.ToSlice[float32](s, t)
	if s.Err() != nil {
		return checkpoints.Array{}, s.Err()
	}
	shape := make([]int, 0, 4)
	for _, d := range t.Shape() {
		shape = append(shape, int(d))
	}
	return checkpoints.NewArray(name, values, shape...)
}

// deviceTensor makes a tensor of a float32 array.
func deviceTensor(s *autograd.Scope, a checkpoints.Array) (*autograd.Tensor, error) {
	values, err := checkpoints.Values[float32](a)
	if err != nil {
		return nil, err
	}
	shape := make([]int64, 0, 4)
	for _, d := range a.Data.Shape() {
		shape = append(shape, int64(d))
	}
	return autograd.FromSlice(s, values, shape...), s.Err()
}
