package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestNothingTrained: a run that would train on no image, or validate on none, fails before it
// starts, and leaves no folder.
func TestNothingTrained(t *testing.T) {
	truncate := func(t *testing.T, dir string) {
		t.Helper()
		list, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil || list == nil {
			t.Fatalf("%v, %v", list, err)
		}
		for _, path := range list {
			if err := os.Truncate(path, 8); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(t *testing.T, c *config.Config)
		want   []string
		is     error
	}{
		{"batches of one image", func(_ *testing.T, c *config.Config) { c.BatchSize = 1 }, []string{"--batch-size 2"}, ErrNothingTrained},
		{"accumulated batches of one image", func(_ *testing.T, c *config.Config) { c.BatchSize, c.Accumulate = 1, 4 }, []string{"--batch-size 2"}, ErrNothingTrained},
		{"every training image unreadable", func(t *testing.T, c *config.Config) { truncate(t, c.Data+"/train") }, []string{"no readable training image", "repair or replace"}, nil},
		{"every validation image unreadable", func(t *testing.T, c *config.Config) { truncate(t, c.Data+"/val") }, []string{"cannot be read", "val"}, nil},
		{"the only validation image unreadable", func(t *testing.T, c *config.Config) {
			for _, class := range []string{"blue", "green"} {
				if err := os.RemoveAll(filepath.Join(c.Data, "val", class)); err != nil {
					t.Fatal(err)
				}
			}
			truncate(t, c.Data+"/val")
		}, []string{"none of its 1 images", "red", "repair or replace"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, testset.Images(t, 5, 1))
			c.change(t, &config)
			_, err := Fit(t.Context(), config, ignore)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("error %v, want %v", err, c.is)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if _, err := os.Stat(config.Out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the run's folder exists: %v", err)
			}
		})
	}
	t.Run("the advice works", func(t *testing.T) {
		config := small(t, testset.Images(t, 5, 1))
		config.BatchSize, config.Epochs = 2, 1
		if r := fit(t, config); r.Step != 7 { // of 15 images
			t.Errorf("%d steps", r.Step)
		}
	})
}

// TestEpochWithoutAnImage: images that turn out to be unreadable only when they are decoded.
func TestEpochWithoutAnImage(t *testing.T) {
	c := small(t, testset.Images(t, 5, 1))
	broken := 0
	_, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		if _, ok := e.(report.Start); ok {
			list, err := filepath.Glob(filepath.Join(c.Data, "train", "*", "*"))
			for _, path := range list[1:] {
				broken++
				err = errors.Join(err, os.Truncate(path, 100))
			}
			return err
		}
		return nil
	}))
	if err == nil || broken != 14 {
		t.Errorf("error %v after %d damaged images", err, broken)
	}
}

func TestCountSteps(t *testing.T) {
	for _, c := range []struct{ images, batch, accumulate, resolution, want int }{
		{15, 8, 1, 32, 2},
		{16, 8, 1, 32, 2},
		{17, 8, 1, 32, 2}, // the last batch has one image
		{17, 8, 1, 33, 3}, // with which batch norm can train at 2x2
		{17, 8, 2, 32, 1},
		{25, 8, 2, 32, 2}, // accumulated with the third batch
		{9, 4, 3, 32, 1},
		{3, 1, 1, 33, 3},
		{2, 8, 1, 32, 1},
	} {
		config := config.Default()
		config.BatchSize, config.Accumulate, config.Model.Resolution = c.batch, c.accumulate, c.resolution
		net, err := Trainer{}.network(&config, 2)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{config: config, net: net, images: images{train: &data.Dataset{Samples: make([]data.Sample, c.images)}}}
		if r.loader, err = data.NewLoader(r.images.train, data.LoaderOptions{BatchSize: c.batch, Preprocess: net.preprocess}); err != nil {
			t.Fatal(err)
		}
		if got, err := r.countSteps(); got != int64(c.want) || err != nil {
			t.Errorf("%+v: %d steps, %v", c, got, err)
		}
	}
}

// TestResumeWithDroppedBatches: batches that make no step do not disturb the resume.
func TestResumeWithDroppedBatches(t *testing.T) {
	c := small(t, testset.Images(t, 11, 2)) // batches of 8, 8, 8, 8 and 1
	c.Epochs = 4
	r := fit(t, c)
	if r.Step != 16 || r.Epochs != 4 {
		t.Fatalf("%+v", r)
	}
	want := outcome(t, r)
	checkOutcome(t, outcome(t, interrupted(t, Trainer{}, c)), want)
}

// TestRunWithFewerSteps: a step whose images cannot be read is not counted, and the run ends after its
// epochs all the same.
func TestRunWithFewerSteps(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.BatchSize, c.Epochs, c.Model.Resolution = 1, 2, 33 // at which batch norm can train on one image
	bad := filepath.Join(c.Data, "train", "green", "00.png")
	if err := os.Truncate(bad, 1500); err != nil { // a good header, and half of the pixels
		t.Fatal(err)
	}
	var steps []string
	r, events := fitBy(t, Trainer{}, c)
	for _, e := range events {
		if s, ok := e.(report.Step); ok {
			steps = append(steps, fmt.Sprint(s.Step, " of ", s.Images))
		}
	}
	if r.Step != 34 || r.Epochs != 2 || len(steps) != 34 || !reflect.DeepEqual(steps[:2], []string{"1 of 1", "2 of 1"}) {
		t.Errorf("%+v, steps %q", r, steps)
	}
}
