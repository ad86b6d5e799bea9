package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// ErrOtherRun is returned when settings, images or machine differ from those of the checkpoint, so
// that it cannot be continued exactly.
var ErrOtherRun = errors.New("the checkpoint belongs to another run")

// resultSettings returns the settings that affect the result of a run, without those that the
// machine and the digest of the data represent.
func resultSettings(c config.Config) config.Config {
	c.Workers, c.Keep, c.CheckpointEvery, c.Progress, c.StopAfter, c.Report = 0, 0, "", "", 0, false
	c.TensorBoard, c.CUDAGraph = "", ""
	c.TF32, c.Deterministic = false, true // of a GPU, whose machine records them
	c.Images = ""                         // a path, as Data
	c.Data, c.Precision, c.Device, c.Backend, c.Threads, c.ShardCache = "", "", "", "", 0, 0
	if c.WeightsFromFile() {
		c.ClassWeights = "file" // whose numbers are compared
	}
	return c
}

// resume restores the folder's checkpoint, or returns what differs.
func (r *run) resume(s *autograd.Scope) error {
	f := *r.folder.resume
	if err := r.sameRun(f); err != nil {
		return fmt.Errorf("train: resume from %s: %w", r.folder.from, err)
	}
	if err := errors.Join(r.restore(s, f), r.checkCount()); err != nil {
		return fmt.Errorf("train: resume from %s: %w", r.folder.from, err)
	}
	return nil
}

// checkCount finds a checkpoint of a version that counted steps without an image, with which the rest
// of the schedule would differ.
func (r *run) checkCount() error {
	groups := (r.Batch + r.config.Accumulate - 1) / r.config.Accumulate
	if most := int64(r.Epoch)*r.stepsPerEpoch + int64(groups); r.Step > most {
		return fmt.Errorf("%w: it counts %d steps, and an epoch has %d: an earlier version counted steps without an image; start again in another --out", ErrOtherRun, r.Step, r.stepsPerEpoch)
	}
	return nil
}

// sameRun compares settings, data and machine with the checkpoint's.
func (r *run) sameRun(f checkpoints.File) error {
	if _, ok := f.Meta[metaProgress]; !ok {
		return errors.New("it holds weights alone; resume takes a file of a run's checkpoints folder")
	}
	was, err := machineOf(f)
	if err != nil {
		return err
	}
	different, err := r.differentSettings(f)
	if err != nil {
		return err
	}
	if ranksOf(f) != r.ranks.size() {
		was.Threads = r.Machine.Threads // as chooseThreads
	}
	if r.ranks.first() { // compareMachines compares the others with it
		different = append(different, r.Machine.Differences(was)...)
	}
	parts, err := r.differentParts(f)
	if err != nil {
		return err
	}
	different = append(append(different, parts...), r.differentClassWeights(f.Meta)...)
	return otherRun(append(different, r.images.differences(f)...))
}

// machineOf returns what computed a checkpoint.
func machineOf(f checkpoints.File) (backend.Machine, error) {
	var m backend.Machine
	if err := json.Unmarshal([]byte(f.Meta[metaMachine]), &m); err != nil {
		return m, fmt.Errorf("its metadata %q: %w", metaMachine, err)
	}
	return m, nil
}

// differentParts compares the trainer's own parts with the checkpoint's.
func (r *run) differentParts(f checkpoints.File) ([]string, error) {
	var different []string
	configured := func(name string) string {
		if name == "" {
			return "the configured one"
		}
		return strconv.Quote(name)
	}
	for _, key := range []string{metaLoss, metaRule} {
		if was, is := f.Meta[key], r.trainer.names()[key]; was != is {
			different = append(different, fmt.Sprintf("the %s was %s and is %s", key, configured(was), configured(is)))
		}
	}
	was, err := weights.FromFile(f)
	if err != nil {
		return nil, err
	}
	a, errA := json.Marshal(was.Graph)
	b, errB := json.Marshal(r.net.graph)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	if custom := r.trainer.Graph != nil || was.Config == nil; custom && string(a) != string(b) {
		different = append(different, fmt.Sprintf("the network was graph %q and is graph %q, with other layers", was.Graph.Name, r.net.graph.Name))
	}
	return different, nil
}

// sameSettings compares what a finished run was made of, without the machine.
func (r *run) sameSettings(f checkpoints.File) error {
	different, err := r.differentSettings(f)
	if err != nil {
		return err
	}
	parts, err := r.differentParts(f)
	if err != nil {
		return err
	}
	different = append(append(different, parts...), r.differentClassWeights(f.Meta)...)
	return otherRun(append(different, r.images.differences(f)...))
}

func otherRun(different []string) error {
	if len(different) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; use the settings and images of the checkpoint, or start a new run with another --out", ErrOtherRun, strings.Join(different, "; "))
}

func (r *run) differentSettings(f checkpoints.File) ([]string, error) {
	now, err := resultSettings(r.config).YAML()
	if err != nil {
		return nil, err
	}
	defaults, err := resultSettings(olderDefaults()).YAML()
	if err != nil {
		return nil, err
	}
	list, err := differentSettings(cutStored(f.Meta[metaConfig], r.images.train.Len()), string(now), string(defaults))
	var different []string
	for _, d := range list {
		different = append(different, d.String())
	}
	different = append(different, r.differentRanks(f.Meta[metaConfig])...)
	if r.images.ownVal { // an earlier version recorded the fraction although it had no effect
		different = slices.DeleteFunc(different, func(text string) bool { return strings.HasPrefix(text, "--val-split ") })
	}
	return r.withoutExtension(different, epochsOf(f.Meta[metaConfig])), err
}

// differentSetting is a setting with two values, as YAML.
type differentSetting struct{ name, was, is string }

func (d differentSetting) String() string {
	return fmt.Sprintf("%s was %s and is %s", d.name, d.was, d.is)
}

// differentSettings lists the settings that differ between two configurations, given as YAML. A
// setting that the earlier one lacks, because it is newer than the checkpoint, had its default. The
// architecture of a graph that the caller built is left to differentParts.
func differentSettings(was, is, defaults string) ([]differentSetting, error) {
	var a, b, c yaml.Node
	if err := errors.Join(yaml.Unmarshal([]byte(was), &a), yaml.Unmarshal([]byte(is), &b), yaml.Unmarshal([]byte(defaults), &c)); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	before, after, byDefault := entries(a), entries(b), entries(c)
	custom := before.values["arch"] == config.CustomArch || after.values["arch"] == config.CustomArch
	another := !custom && (before.values["arch"] != after.values["arch"] || before.values["variant"] != after.values["variant"])
	var different []differentSetting
	for _, key := range after.keys {
		if another && slices.Contains(variantSettings, key) || key == "recipe" || key == "ranks" {
			continue // the variant names them; the settings of a recipe are compared; see differentRanks
		}
		old, ok := before.values[key]
		if !ok {
			old = byDefault.values[key]
		}
		if old == after.values[key] || custom && (key == "arch" || key == "variant") {
			continue
		}
		name := "--" + strings.ReplaceAll(key, "_", "-")
		if slices.Contains(variantSettings, key) {
			name = "the setting " + key // without a flag
		}
		different = append(different, differentSetting{name, old, after.values[key]})
	}
	return different, nil
}

// variantSettings are those that a variant implies. They have no flags.
var variantSettings = []string{"activation", "padding", "conv_bias", "bn_eps", "bn_momentum", "dropout"}

type mapping struct {
	keys   []string
	values map[string]string
}

// entries returns the keys of a YAML mapping in order, with their values as text.
func entries(doc yaml.Node) mapping {
	m := mapping{values: map[string]string{}}
	if len(doc.Content) == 0 {
		return m
	}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		text, err := yaml.Marshal(top.Content[i+1])
		if err != nil {
			continue // cannot fail for a node that was just parsed
		}
		m.keys = append(m.keys, top.Content[i].Value)
		m.values[top.Content[i].Value] = strings.TrimSpace(string(text))
	}
	return m
}

// repairBest writes best.safetensors again when it is missing or older than the best step of the
// checkpoint: from the checkpoint of that step, if it still exists beside the one that the run
// continues from.
func (r *run) repairBest(s *autograd.Scope) error {
	want := r.progress.Best
	if r.folder.elsewhere || want.Step == 0 || r.bestStep() >= want.Step {
		return nil
	}
	if want.Step == r.progress.Step {
		return r.writeBest(s)
	}
	path := r.folder.store.Path(want.Step)
	if _, err := os.Stat(path); err != nil { // of a run that continues a file of another folder
		path = checkpoints.Store{Dir: filepath.Dir(r.folder.from)}.Path(want.Step)
	}
	w, err := formats.Read(path)
	if err == nil && want.SWA {
		w, err = swaWeights(w, path)
	}
	if err != nil {
		return r.note(report.Warning, fmt.Sprintf("%s is missing, and the checkpoint of step %d that it was written from cannot be read: %v; the next best epoch writes it again", weights.BestFile, want.Step, err))
	}
	return r.writeBestFrom(w)
}

// bestStep returns the step of best.safetensors, -1 where it is missing or damaged.
func (r *run) bestStep() int64 {
	w, err := formats.Read(r.folder.path(weights.BestFile))
	if err != nil {
		return -1
	}
	var b best
	if err := json.Unmarshal([]byte(w.Meta[weights.MetaBest]), &b); err != nil {
		return -1
	}
	return b.Step
}
