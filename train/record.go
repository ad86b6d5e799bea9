package train

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
	"depthwise.dev/report"
)

// record opens the run's files and records its start.
func (r *run) record(progress report.Recorder) error {
	r.recorded = map[string]bool{}
	notes := r.machineNotes()
	if err := r.ranks.share(&notes); err != nil {
		return err
	}
	if r.folder.elsewhere {
		return r.recordElsewhere(progress, notes)
	}
	from := report.Position{Step: r.Step, Epochs: r.Epoch}
	events, err := report.OpenJSONL(r.folder.path(eventsFile), from)
	if err != nil {
		return err
	}
	r.files = append(r.files, events)
	if mode := fileMode(r.config); mode == 0o600 {
		if err := os.Chmod(r.folder.path(eventsFile), mode); err != nil {
			return errors.Join(fmt.Errorf("train: %w", err), r.files.Close())
		}
	}
	metrics, err := report.OpenCSVWith(r.folder.path(metricsFile), from, r.csvColumns())
	if err != nil {
		return errors.Join(err, r.files.Close())
	}
	r.files = append(r.files, metrics)
	if err := r.folder.watch(); err != nil {
		return errors.Join(err, r.files.Close())
	}
	r.recorder = append(append(r.recorder, r.files...), &display{Recorder: progress})

	start := report.Start{Run: data.EscapeName(r.folder.dir), Images: r.images.train.Len(), Epochs: r.epochs(), Batches: r.loader.Batches(), Step: r.Step, Steps: r.totalSteps,
		Description: fmt.Sprintf("%v; %v", r.network, r.Machine)}
	if r.ranks.several() {
		start.Description += fmt.Sprintf("; %d ranks", r.ranks.size())
	}
	start.MultiLabel, start.Classes = r.multiLabel(), len(r.images.train.Classes)
	if len(r.LRChanges) > 0 {
		start.LRFactor = r.lrFactor(r.Step)
	}
	if r.epochs() == 0 {
		start.Steps = 0 // not known yet
	}
	if r.images.val != nil {
		start.ValImages = r.images.val.Len()
	}
	errs := []error{r.recorder.Record(start), r.noteChoices(), r.noteRanks(), r.note(report.Info, fmt.Sprintf("backend %s: %s", r.Kernels, r.Reason)),
		r.note(report.Info, r.folder.threads.String()), r.warnOwn(notes)}
	errs = append(errs, r.warnWithoutEffect())
	if text := r.describeTask(); text != "" {
		errs = append(errs, r.note(report.Info, text))
	}
	if text := r.averageHorizon(); text != "" {
		errs = append(errs, r.note(report.Warning, text))
	}
	for _, damaged := range r.folder.skipped {
		errs = append(errs, r.note(report.Warning, fmt.Sprintf("skipped a damaged checkpoint: %v", damaged)))
	}
	for i, note := range r.images.notes {
		if i == maxNotes {
			errs = append(errs, r.note(report.Warning, fmt.Sprintf("and %d more like these", len(r.images.notes)-i)))
			break
		}
		errs = append(errs, r.note(report.Warning, note))
	}
	return errors.Join(append(errs, r.recordClassWeights(), r.noteSampler(), r.noteInit(), r.recordChanges())...)
}

// recordElsewhere prepares to record what concerns this rank alone; rank 0 records the run, and has warned of some of it.
func (r *run) recordElsewhere(progress report.Recorder, recorded []string) error {
	r.own = &display{Recorder: progress}
	return r.warnOwn(slices.DeleteFunc(r.machineNotes(), func(text string) bool { return slices.Contains(recorded, text) }))
}

// machineNotes are what may not be expected of the machine, such as that the CPU computes although there is a GPU.
func (r *run) machineNotes() []string {
	notes := slices.Clone(r.Machine.Notes)
	if text := host.ThisProcess().ThreadWarning(r.Threads); text != "" {
		notes = append(notes, text)
	}
	return notes
}

// warnWithoutEffect names settings of configuration files that have no effect.
func (r *run) warnWithoutEffect() error {
	list, err := r.config.WithoutEffect()
	errs := []error{err}
	for _, text := range list {
		errs = append(errs, r.note(report.Warning, text))
	}
	return errors.Join(errs...)
}

func (r *run) warnOwn(texts []string) error {
	var errs []error
	for _, text := range texts {
		errs = append(errs, r.noteOwn(report.Warning, text))
	}
	return errors.Join(errs...)
}

// maxNotes is the maximum number of data problems that are reported at the start.
const maxNotes = 20

func (r *run) note(level, text string) error {
	return r.recorder.Record(report.Note{Level: level, Text: redact.Text(text)})
}

// noteOwn records what concerns this rank alone.
func (r *run) noteOwn(level, text string) error {
	if r.own == nil {
		return r.note(level, text)
	}
	return r.own.Record(report.Note{Level: level, Text: redact.Text(text)})
}
