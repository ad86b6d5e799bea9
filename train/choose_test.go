package train

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// chooses is a run of a second that leaves the recipe to the data.
func chooses(t *testing.T, data string) config.Config {
	t.Helper()
	c, err := config.Sources{Data: data, Recipe: config.AutoRecipe}.Config()
	if err != nil {
		t.Fatal(err)
	}
	short := small(t, data)
	c.Out, c.Model.Width, c.Model.Resolution = short.Out, short.Model.Width, short.Model.Resolution
	c.BatchSize, c.Workers, c.Threads, c.Precision, c.Device, c.CheckpointEvery = short.BatchSize, 0, 1, "fp32", "cpu", "1steps"
	c.MaxSteps = 5
	return c
}

// notes runs and returns the notes of its start that begin with, or contain, a text.
func notes(t *testing.T, c config.Config, text string) []string {
	t.Helper()
	_, events := fitBy(t, Trainer{}, c)
	var list []string
	for _, e := range events {
		if n, ok := e.(report.Note); ok && strings.Contains(n.Text, text) {
			list = append(list, n.Text)
		}
	}
	return list
}

// TestChosenRecipe: the choice is announced once with its reason, recorded, and not made again when the run is repeated
// or continued.
func TestChosenRecipe(t *testing.T) {
	c := chooses(t, testset.Images(t, 6, 2))
	stop(t, c, atStep(3))
	whole := c
	whole.Out = filepath.Join(t.TempDir(), "whole")
	want := []string{"recipe scratch-small, except --batch-size: 18 training images of 3 classes, no --init"}
	if got := notes(t, whole, "recipe "); !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
	recorded, err := config.Load(filepath.Join(c.Out, configFile))
	if err != nil || recorded.Recipe != "scratch-small" || recorded.LR != 0.1 || recorded.EXIF != config.EXIFOff {
		t.Errorf("recorded recipe %q, schedule %q, exif %q, %v", recorded.Recipe, recorded.Schedule, recorded.EXIF, err)
	}
	c.Resume = "auto"
	if got := notes(t, c, "recipe "); got != nil {
		t.Errorf("chooses again: %q", got)
	}
	a, b := hostFile(t, Result{Dir: whole.Out, Step: 5}), hostFile(t, Result{Dir: c.Out, Step: 5})
	if !reflect.DeepEqual(a, b) {
		t.Error("the continued run ends with other bits")
	}
	recorded.Out, recorded.Resume = c.Out, "auto"
	if got := notes(t, recorded, "recipe "); got != nil {
		t.Errorf("the recorded settings choose again: %q", got)
	}
}

// TestContinuedWithoutRecipe: a run of a version that chose no recipe continues without one, by the same command.
func TestContinuedWithoutRecipe(t *testing.T) {
	c := chooses(t, testset.Images(t, 6, 2))
	older := c
	older, err := older.WithRecipe("")
	if err != nil {
		t.Fatal(err)
	}
	older.EXIF = config.EXIFOff
	stop(t, older, atStep(3))
	for _, resume := range []string{"auto", filepath.Join(c.Out, weights.CheckpointFolder, "step-00000003.safetensors")} {
		c.Resume = resume
		if got := notes(t, c, "recipe "); got != nil {
			t.Errorf("resume %s: %q", resume, got)
		}
	}
}

// turn gives JPEG images an EXIF orientation.
func turn(t *testing.T, paths ...string) {
	t.Helper()
	const segment = "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	for _, path := range paths {
		file := slices.Insert(testset.Contents(t, path), 2, []byte(segment)...)
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChosenEXIF is the table of data sets in which some files have an EXIF orientation.
func TestChosenEXIF(t *testing.T) {
	jpegs := func(t *testing.T, dir, part string) []string {
		list, err := filepath.Glob(filepath.Join(dir, part, "*", "*.jpg"))
		if err != nil || len(list) < 3 {
			t.Fatal(list, err)
		}
		return list
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string) string // returns the data set
		setting config.EXIF
		want    config.EXIF
		note    string
	}{
		{"none", func(_ *testing.T, dir string) string { return dir }, config.EXIFAuto, config.EXIFOff, ""},
		{"one", func(t *testing.T, dir string) string { turn(t, jpegs(t, dir, "train")[0]); return dir }, config.EXIFAuto, config.EXIFOn,
			"1 of 12 training images have an EXIF orientation"},
		{"some", func(t *testing.T, dir string) string { turn(t, jpegs(t, dir, "train")...); return dir }, config.EXIFAuto, config.EXIFOn,
			"6 of 12 training images have an EXIF orientation"},
		{"only val", func(t *testing.T, dir string) string { turn(t, jpegs(t, dir, "val")...); return dir }, config.EXIFAuto, config.EXIFOff,
			"3 of 6 validation images have an EXIF orientation and no training image has"},
		{"some, and off", func(t *testing.T, dir string) string { turn(t, jpegs(t, dir, "train")...); return dir }, config.EXIFOff, config.EXIFOff, ""},
		{"none, and on", func(_ *testing.T, dir string) string { return dir }, config.EXIFOn, config.EXIFOn, ""},
		{"shards", func(t *testing.T, dir string) string {
			turn(t, jpegs(t, dir, "train")[:2]...)
			to := filepath.Join(t.TempDir(), "shards")
			train, val, err := datasets.Open(dir, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := shards.Write(t.Context(), to, train, val, shards.Options{Workers: 1}); err != nil {
				t.Fatal(err)
			}
			return to
		}, config.EXIFAuto, config.EXIFOn, "2 of 12 training images have an EXIF orientation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := small(t, c.prepare(t, testset.Images(t, 4, 2)))
			run.EXIF, run.MaxSteps = c.setting, 1
			got := strings.Join(notes(t, run, "EXIF orientation"), "\n")
			if !strings.HasPrefix(got, c.note) || (got == "") != (c.note == "") {
				t.Errorf("notes %q, want %q", got, c.note)
			}
			recorded, err := config.Load(filepath.Join(run.Out, configFile))
			if err != nil || recorded.EXIF != c.want {
				t.Errorf("recorded %q, %v, want %q", recorded.EXIF, err, c.want)
			}
			w, err := readWeights(config.Config{Init: run.Out})
			if err != nil || w.Preprocess.EXIF != (c.want == config.EXIFOn) {
				t.Errorf("the weights have %v, %v", w.Preprocess.EXIF, err)
			}
		})
	}
}

// TestEXIFIsNotChosenAgain: a continued run keeps what it chose, also after files have changed their orientation.
func TestEXIFIsNotChosenAgain(t *testing.T) {
	c := small(t, testset.Images(t, 4, 2))
	stop(t, c, atStep(1))
	c.Resume = "auto"
	was := continued(c)
	if was == nil || was.EXIF != config.EXIFOff {
		t.Fatalf("recorded %+v", was)
	}
	im := images{}
	im.trainOriented.Oriented, im.trainOriented.Checked, im.trainOriented.Images = 3, 12, 12
	if note, err := chooseEXIF(t.Context(), &c, im); note != "" || err != nil || c.EXIF != config.EXIFOff {
		t.Errorf("%q, %q, %v", c.EXIF, note, err)
	}
}
