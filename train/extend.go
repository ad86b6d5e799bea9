package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/report"
)

// An extension makes a run longer. Two files record it, each replaced as a whole: first config.yaml, from
// which on every resume continues the longer run, then the checkpoint that the run continues from. N more
// epochs are counted from the checkpoint, so that an extension which was killed between the two can be
// repeated.

// extend sets the number of epochs of an extended run: of one that is extended now, or whose extension was
// interrupted.
func (r *run) extend() error {
	more, f := r.config.ExtendEpochs, r.folder.resume
	if err := r.checkBudget(); err != nil {
		return err
	}
	if f == nil {
		if more > 0 {
			return fmt.Errorf("train: %s has no checkpoint yet, and nothing to extend: start it with train --config %s --out %s --resume auto --epochs %d", r.folder.dir, r.folder.path(configFile), r.folder.dir, r.config.Epochs+more)
		}
		return nil
	}
	was := epochsOf(f.Meta[metaConfig])
	switch {
	case was < 1:
		return nil // weights alone, or damaged metadata: resume reports it
	case more > config.MaxCount-was:
		return fmt.Errorf("train: %s: %d epochs more than %d are too many: at most %d", r.folder.dir, more, was, config.MaxCount)
	case more > 0:
		r.config.Epochs = was + more
	case r.config.Epochs <= was || !r.folder.resumed || r.folder.epochs() != r.config.Epochs:
		return nil // no extension; another number of epochs is reported as a difference
	}
	r.extended = was
	return nil
}

// checkExtension refuses an extension without effect.
func (r *run) checkExtension() error {
	if err := r.checkBudget(); err != nil {
		return err
	}
	if limit := r.config.MaxSteps; r.extended > 0 && limit > 0 && limit <= r.stepsPerEpoch*int64(r.extended) {
		return fmt.Errorf("train: %s: the run ends after %d steps (--max-steps), which more epochs do not change; start a new run from its weights with --init and this folder", r.folder.dir, limit)
	}
	return nil
}

// startExtension records the extension in config.yaml and in the checkpoint.
func (r *run) startExtension(s *autograd.Scope) error {
	if r.extended == 0 {
		return nil
	}
	text, err := r.describeExtension()
	if err != nil {
		return err
	}
	if err := errors.Join(r.folder.setEpochs(r.config), r.note(report.Info, text)); err != nil {
		return err
	}
	r.Done = false
	r.resumePatience()
	r.restartSWA()
	if err := r.unfreeze(s); err != nil { // after the last epoch of a finished run, nothing was
		return err
	}
	return r.save(s, false)
}

// describeExtension says what the extension does to the learning rate.
func (r *run) describeExtension() (string, error) {
	c := r.config
	c.Epochs = r.extended
	steps := r.stepsPerEpoch * int64(c.Epochs)
	if c.MaxSteps > 0 {
		steps = min(steps, c.MaxSteps)
	}
	old, err := r.newSchedule(c, steps)
	if err != nil {
		return "", err
	}
	before, where := old.LR(r.Step)*r.lrFactor(r.Step), "where it would have been"
	if r.Done {
		before, where = old.LR(max(r.Step-1, 0))*r.lrFactor(max(r.Step-1, 0)), "where the run had ended at"
	}
	next := r.lr(r.Step)
	text := fmt.Sprintf("extended from %d to %d epochs: ", r.extended, r.config.Epochs)
	if next == before {
		return text + fmt.Sprintf("the learning rate of the %s schedule remains %.2g", c.Schedule, next), nil
	}
	return text + fmt.Sprintf("the %s schedule now spans %d epochs, so the learning rate continues at %.2g, %s %.2g", c.Schedule, r.config.Epochs, next, where, before), nil
}

// withoutExtension removes the number of epochs from the differences of an extended run, and says how to
// extend any other.
func (r *run) withoutExtension(different []string, was int) []string {
	var rest []string
	for _, text := range different {
		if strings.HasPrefix(text, "--epochs ") {
			if r.extended > 0 {
				continue
			}
			if more := r.config.Epochs - was; was > 0 && more > 0 {
				text += fmt.Sprintf(" (train resume with --extend-epochs %d makes the run longer)", more)
			}
		}
		rest = append(rest, text)
	}
	return rest
}

// epochsOf returns the number of epochs in a configuration, 0 if it has none.
func epochsOf(text string) int {
	var c struct {
		Epochs int `yaml:"epochs"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return 0
	}
	return c.Epochs
}

// maxConfig is far above the size of a run's config.yaml, which has 2 kB.
const maxConfig = 1 << 20

// config returns the text of the folder's config.yaml, "" if there is none that can be read.
func (f *runFolder) config() string {
	if f.elsewhere {
		return string(f.configText)
	}
	info, err := os.Stat(f.path(configFile))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxConfig {
		return ""
	}
	text, err := os.ReadFile(f.path(configFile))
	if err != nil {
		return ""
	}
	return string(text)
}

// epochs returns the number of epochs in the folder's config.yaml, 0 if there is none.
func (f *runFolder) epochs() int { return epochsOf(f.config()) }

var epochsLine = regexp.MustCompile(`(?m)^epochs:.*$`)

// setEpochs writes the number of epochs to config.yaml, and keeps its other lines. Settings of c that are
// only those of this process do not get into the file.
func (f *runFolder) setEpochs(c config.Config) error {
	text := f.config()
	if f.elsewhere || epochsOf(text) == c.Epochs {
		return nil
	}
	text = epochsLine.ReplaceAllLiteralString(text, "epochs: "+strconv.Itoa(c.Epochs))
	if epochsOf(text) != c.Epochs { // missing, or edited into another form
		return f.writeConfig(c)
	}
	f.configText = []byte(text)
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(f.path(configFile)); err == nil {
		mode = info.Mode().Perm()
	}
	err := regularfile.Clear(f.path(configFile))
	if err == nil {
		err = atomicfile.WriteFile(f.path(configFile), mode, []byte(text))
	}
	if err != nil {
		return fmt.Errorf("train: write the configuration: %w", err)
	}
	return nil
}
