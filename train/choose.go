package train

import (
	"context"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/data/check"
	"depthwise.dev/internal/host"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// chooseRecipe replaces the recipe auto by that of the checkpoint that the run continues, or else by the one that suits
// the images. The note says which and why.
func chooseRecipe(c config.Config, im images) (config.Config, string, error) {
	if was := continued(c); was != nil {
		next, err := c.WithRecipe(was.Recipe)
		return next, "", err
	}
	next, note, err := c.Choose(config.Images{Train: im.train.Len(), Classes: len(im.train.Classes)})
	if err == nil {
		err = next.Validate()
	}
	return next, note, err
}

// chooseEXIF replaces exif auto by that of the checkpoint that the run continues, or else by the one that suits the
// images. The note says why.
func chooseEXIF(ctx context.Context, c *config.Config, im images) (note string, err error) {
	if c.EXIF != config.EXIFAuto {
		return "", nil
	}
	if was := continued(*c); was != nil {
		c.EXIF = was.EXIF
		return "", nil
	}
	found := im.trainOriented
	if found.Checked == 0 { // not verified
		if found, err = check.CountOrientations(ctx, im.train, host.Workers()); err != nil {
			return "", err
		}
	}
	return c.UseOrientations(found, im.valOriented), nil
}

// chosen are the settings that a run chooses by its data.
type chosen struct {
	Recipe    string      `yaml:"recipe"`
	EXIF      config.EXIF `yaml:"exif"`
	BatchSize int         `yaml:"batch_size"`
	Ranks     int         `yaml:"ranks"`
}

// continued returns the choices of the run that Resume continues, nil if it continues none. What cannot be read is left
// to resume, which reports it. A setting that an older checkpoint lacks is off.
func continued(c config.Config) *chosen {
	var meta map[string]string
	var err error
	switch dir := c.ResumedFolder(); {
	case c.Resume == "":
		return nil
	case c.Resume != "auto":
		meta, err = checkpoints.ReadMeta(c.Resume)
	case dir != "":
		meta, err = checkpoints.Store{Dir: filepath.Join(dir, weights.CheckpointFolder)}.LatestMeta()
	}
	text, ok := meta[metaConfig]
	if err != nil || !ok {
		return nil
	}
	return chosenIn(text)
}

// chosenIn returns the choices in a checkpoint's settings, nil if they cannot be read.
func chosenIn(settings string) *chosen {
	was := chosen{EXIF: config.EXIFOff}
	if yaml.Unmarshal([]byte(settings), &was) != nil {
		return nil
	}
	return &was
}

// noteChoices records what was chosen by the data.
func (r *run) noteChoices() error {
	for _, text := range r.choices {
		if text == "" {
			continue
		}
		if err := r.note(report.Info, text); err != nil {
			return err
		}
	}
	return nil
}
