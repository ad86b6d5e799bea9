package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// copyImage copies an image of a data set to another name.
func copyImage(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, testset.Contents(t, from), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestFinishedRunOfOtherThings: --resume auto on a finished run with other data or settings is an
// error that names the differences.
func TestFinishedRunOfOtherThings(t *testing.T) {
	images := testset.Images(t, 6, 2)
	c := small(t, images)
	c.Epochs = 1
	fit(t, c)
	before := files(t, c.Out)
	for _, test := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"settings", func(c *config.Config) { c.LR = 0.5 }, "--lr was 0.02 and is 0.5"},
		{"more epochs", func(c *config.Config) { c.Epochs = 2 }, "--epochs was 1 and is 2"},
		{"another data set", func(c *config.Config) { c.Data = testset.Images(t, 7, 3) }, "there were 18 to train and 6 to validate, and there are 21 and 9"},
		{"a grown data set", func(c *config.Config) {
			c.Data = testset.Images(t, 6, 2)
			copyImage(t, c.Data+"/train/red/00.png", c.Data+"/train/red/zz.png")
		}, "there were 18 to train and 6 to validate, and there are 19 and 6"},
		{"a renamed image", func(c *config.Config) {
			c.Data = testset.Images(t, 6, 2)
			copyImage(t, c.Data+"/train/red/00.png", c.Data+"/train/red/zz.png")
			os.Remove(c.Data + "/train/red/00.png")
		}, "the images are not the same files"},
		{"other images of the same names", func(c *config.Config) {
			c.Data = testset.Images(t, 6, 2)
			for _, name := range []string{"00.png", "02.png", "04.png"} {
				copyImage(t, c.Data+"/train/red/"+name, c.Data+"/train/blue/"+name)
			}
		}, "not the same contents"},
	} {
		t.Run(test.name, func(t *testing.T) {
			other := c
			other.Resume = "auto"
			test.change(&other)
			_, err := Fit(t.Context(), other, ignore)
			if !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), c.Out) || !strings.Contains(err.Error(), "another --out") {
				t.Errorf("error %v, want ErrOtherRun, the folder and %q", err, test.want)
			}
		})
	}
	t.Run("its last checkpoint as a file", func(t *testing.T) {
		there := c
		there.Out, there.Resume = filepath.Join(t.TempDir(), "there"), filepath.Join(c.Out, weights.CheckpointFolder, "step-00000003.safetensors")
		_, err := Fit(t.Context(), there, ignore)
		if err == nil || !strings.Contains(err.Error(), "nothing is left to train") {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(there.Out); !errors.Is(err, os.ErrNotExist) {
			t.Error("a folder was made")
		}
	})
	t.Run("the data set in another place", func(t *testing.T) {
		c.Resume, c.Data = "auto", filepath.Join(t.TempDir(), "moved")
		if err := os.Rename(images, c.Data); err != nil {
			t.Fatal(err)
		}
		fit(t, c)
	})
	after := files(t, c.Out)
	for path, state := range before {
		if after[path] != state {
			t.Errorf("%s was changed", path)
		}
	}
}

func evaluate(t *testing.T, weights, data string) classify.EvalResult {
	t.Helper()
	r, err := classify.Evaluate(context.Background(), classify.EvalConfig{Weights: weights, Data: data, BatchSize: 5, Options: backend.Options{Device: "cpu", Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSplitIsRecorded: weights of a run with --val-split are evaluated on what it held out, also when
// images were added. Package classify tests other data sets.
func TestSplitIsRecorded(t *testing.T) {
	c := small(t, filepath.Join(testset.Images(t, 14, 0), "train"))
	c.ValSplit, c.Epochs = 0.25, 1
	r, events := fitBy(t, Trainer{}, c)
	start := events[0].(report.Start)
	if start.Images+start.ValImages != 42 || start.ValImages < 4 || start.ValImages > 20 {
		t.Fatalf("%+v", start)
	}
	checkpoint := filepath.Join(r.Dir, weights.CheckpointFolder)
	for _, path := range []string{r.Dir, checkpoints.Store{Dir: checkpoint}.Path(r.Step)} {
		if got := evaluate(t, path, c.Data); got.Images != start.ValImages || got.Top1 != r.BestTop1 || !strings.Contains(got.Measured, "held out") {
			t.Errorf("%+v, want %d images and top-1 %v", got, start.ValImages, r.BestTop1)
		}
	}
	copyImage(t, c.Data+"/red/00.png", c.Data+"/red/zz.png")
	grown := evaluate(t, r.Dir, c.Data)
	if grown.Images < start.ValImages || grown.Images > start.ValImages+1 || !strings.Contains(grown.Measured, "had 42 images") {
		t.Errorf("grown by one image: %+v, want %d images or one more", grown, start.ValImages)
	}
	c.Resume = "auto"
	if _, err := Fit(t.Context(), c, ignore); !errors.Is(err, ErrOtherRun) {
		t.Errorf("resume on the grown data set: %v", err)
	}
}

// TestSplitWithoutEffect: a split of a data set that has a val is warned about, and not recorded.
func TestSplitWithoutEffect(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.ValSplit, c.Epochs = 0.3, 1
	r, events := fitBy(t, Trainer{}, c)
	warned := false
	for _, e := range events {
		n, ok := e.(report.Note)
		warned = warned || ok && n.Level == report.Warning && strings.Contains(n.Text, "--val-split 0.3 has no effect")
	}
	if !warned {
		t.Error("no warning")
	}
	f := hostFile(t, r)
	if fraction, _, err := readOrFail(t, r.Dir).ValSplit(); fraction != 0 || err != nil || f.Meta[weights.MetaSplit] != "" {
		t.Errorf("recorded: %v, %q, %v", fraction, f.Meta[weights.MetaSplit], err)
	}
	if got := evaluate(t, r.Dir, testset.Images(t, 0, 4)); got.Images != 12 {
		t.Errorf("%d images of another data set are measured", got.Images)
	}
	if again, err := config.Load(filepath.Join(r.Dir, configFile)); err != nil || again.ValSplit != 0 {
		t.Errorf("%s has val_split %v, %v", configFile, again.ValSplit, err)
	}
	c.Resume, c.ValSplit = "auto", 0 // without the flag it is the same run
	fit(t, c)
}

// TestResumeOlderSplit: a run of a version that shuffled the images for --val-split continues with the
// same division, byte for byte as that version, whose best.safetensors records no more.
func TestResumeOlderSplit(t *testing.T) {
	c := small(t, filepath.Join(testset.Images(t, 14, 0), "train"))
	c.ValSplit = 0.25
	older := olderRun(t, c, 4)
	c.Out, c.Resume = older, "auto"
	r, events := fitBy(t, Trainer{}, c)
	all, _, err := datasets.Source{Path: c.Data}.OpenVal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	train, val := datasets.SplitByOrder(all, c.ValSplit, c.Seed)
	if start := events[0].(report.Start); start.Images != train.Len() || start.ValImages != val.Len() || start.Step != 4 {
		t.Errorf("%+v, want %d and %d images from step 4", start, train.Len(), val.Len())
	}
	f := hostFile(t, r)
	if _, recorded := f.Meta[weights.MetaSplit]; recorded || f.Meta[metaData] != data.Digest(train, val) {
		t.Errorf("metadata %v", f.Meta)
	}
	if got := evaluate(t, checkpoints.Store{Dir: filepath.Join(older, weights.CheckpointFolder)}.Path(r.Step), c.Data); got.Images != val.Len() {
		t.Errorf("%d images measured, want %d", got.Images, val.Len())
	}
	if got := evaluate(t, older, c.Data); got.Images != val.Len() || !strings.Contains(got.Measured, "earlier version") {
		t.Errorf("%+v, want %d images and a caution", got, val.Len())
	}
	copyImage(t, c.Data+"/red/00.png", c.Data+"/red/zz.png")
	if _, err := Fit(t.Context(), c, ignore); !errors.Is(err, ErrOtherRun) {
		t.Errorf("on a grown data set: %v", err)
	}
}

// olderRun makes the folder of a run as an earlier version left it after some steps: with the older
// rule and without the entries that were added since.
func olderRun(t *testing.T, c config.Config, step int64) string {
	t.Helper()
	all, _, err := datasets.Source{Path: c.Data}.OpenVal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	train, val := datasets.SplitByOrder(all, c.ValSplit, c.Seed)
	divided := t.TempDir()
	for part, set := range map[string]*data.Dataset{"train": train, "val": val} {
		for _, s := range set.Samples {
			copyImage(t, s.Path, filepath.Join(divided, part, set.Key(s)))
		}
	}
	same := c
	same.Data = divided
	stop(t, same, atStep(step))
	path := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}.Path(step)
	f, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Meta[metaConfig] = strings.Replace(f.Meta[metaConfig], "val_split: 0\n", "val_split: 0.25\n", 1)
	f.Meta[metaData], f.Meta[weights.MetaValSplit], f.Meta[weights.MetaSeed] = data.Digest(train, val), "0.25", "5"
	delete(f.Meta, metaImages)
	delete(f.Meta, metaPictures)
	if err := checkpoints.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return c.Out
}

// TestResumeOlderCount: a checkpoint of a version that counted steps without an image is refused.
func TestResumeOlderCount(t *testing.T) {
	c := small(t, testset.Images(t, 3, 1)) // batches of 8 and 1
	stop(t, c, atEpoch(2))
	path := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}.Path(2)
	f, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Meta[metaProgress] = strings.Replace(f.Meta[metaProgress], `"step":2`, `"step":4`, 1)
	if err := checkpoints.Write(path, f); err != nil {
		t.Fatal(err)
	}
	c.Resume = "auto"
	if _, err := Fit(t.Context(), c, ignore); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "steps without an image") {
		t.Errorf("error %v", err)
	}
}
