package config

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/internal/host"
)

// EXIF is a value of Config.EXIF. In YAML it is a boolean or the word auto. "": false.
type EXIF string

// The values of EXIF.
const (
	EXIFAuto EXIF = "auto"
	EXIFOn   EXIF = "true"
	EXIFOff  EXIF = "false"
)

// MarshalYAML returns a boolean or the word auto.
func (e EXIF) MarshalYAML() (any, error) {
	if e == EXIFAuto {
		return string(e), nil
	}
	return e == EXIFOn, nil
}

// UnmarshalYAML accepts what MarshalYAML returns.
func (e *EXIF) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Value == string(EXIFAuto) {
		*e = EXIFAuto
		return nil
	}
	on := false
	if err := n.Decode(&on); err != nil {
		return err
	}
	*e = exifOf(on)
	return nil
}

func exifOf(on bool) EXIF {
	if on {
		return EXIFOn
	}
	return EXIFOff
}

// exif checks the setting.
func (v *collector) exif(c Config) {
	v.Check(slices.Contains([]EXIF{"", EXIFAuto, EXIFOn, EXIFOff}, c.EXIF), "exif", strconv.Quote(string(c.EXIF)), "must be auto, true or false")
}

// UseOrientations replaces auto: the EXIF orientation is applied if a training image has another one than upright. note
// says in one line what a user should know, "" if there is nothing. val is that of the validation images; its zero
// value: unknown.
func (c *Config) UseOrientations(train, val check.Orientations) (note string) {
	if c.EXIF != EXIFAuto {
		return ""
	}
	c.EXIF = exifOf(train.Oriented > 0)
	of := fmt.Sprintf("%d of %d training images have", train.Oriented, train.Images)
	if train.Checked < train.Images {
		of = fmt.Sprintf("%d of %d training images that were looked at have", train.Oriented, train.Checked)
	}
	switch {
	case train.Oriented > 0:
		return of + " an EXIF orientation, as phones write it: it is applied; --exif=false uses the images as stored"
	case train.Checked == 0 && train.Images > 0:
		return "the EXIF orientation is not applied: to look for one would download the images; --exif applies it"
	case val.Oriented > 0:
		return fmt.Sprintf("%d of %d validation images have an EXIF orientation and no training image has: it is not applied; --exif applies it", val.Oriented, val.Checked)
	}
	return ""
}

// resolveEXIF replaces auto by what training does with a data set.
func (c Config) resolveEXIF(ctx context.Context, train *data.Dataset) (Config, error) {
	if c.EXIF != EXIFAuto {
		return c, nil
	}
	found, err := check.CountOrientations(ctx, train, host.Workers())
	if err != nil {
		return c, err
	}
	c.UseOrientations(found, check.Orientations{})
	return c, nil
}

// TrainOptions returns the function that gives the options of the training loader for a data set, with EXIF resolved.
func (c Config) TrainOptions(ctx context.Context) func(train *data.Dataset) (data.LoaderOptions, error) {
	return func(train *data.Dataset) (data.LoaderOptions, error) {
		c, err := c.resolveEXIF(ctx, train)
		return c.LoaderOptions(true), err
	}
}
