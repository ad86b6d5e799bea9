package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/report"
)

// TestAccumulate: a step of batches of 4, 4 and 1 images moves the parameters by the mean over the
// nine images of the gradients, each batch normalized by itself. The gradients of the three mean
// losses come from the network of a run that does not accumulate, and are weighted by hand.
func TestAccumulate(t *testing.T) {
	c := small(t, testset.Images(t, 3, 1))
	c.BatchSize, c.Model.Resolution, c.Momentum, c.WeightDecay, c.Schedule, c.WarmupEpochs = 4, 40, 0, 0, "constant", 0
	mean := meanGradients(t, c)
	c.Accumulate = 3
	withRun(t, c, func(s *autograd.Scope, r *run) {
		before := hostValues(s, r.leaves)
		batches := r.loader.Epoch(context.Background(), 0, 0)
		defer batches.Close()
		if err := r.trainStep(t.Context(), s, batches); err != nil {
			t.Fatal(err)
		}
		if r.Step != 1 || r.Batch != 3 || r.Seen.Images != 9 {
			t.Errorf("progress %+v", r.progress)
		}
		for i, after := range hostValues(s, r.leaves) {
			for j, v := range after {
				want := before[i][j] - c.LR*mean[i][j]
				if math.Abs(v-want) > 2e-6*(1+math.Abs(want)) { // float32 sums in another order
					t.Fatalf("%s[%d] is %v, want %v", r.network.Parameters()[i].Name, j, v, want)
				}
			}
		}
	})
}

// meanGradients are the gradients of an epoch's batches, weighted by their images.
func meanGradients(t *testing.T, c config.Config) (mean [][]float64) {
	withRun(t, c, func(s *autograd.Scope, r *run) {
		batches := r.loader.Epoch(context.Background(), 0, 0)
		defer batches.Close()
		for _, share := range []float64{4. / 9, 4. / 9, 1. / 9} {
			if _, _, err := r.forwardBackward(s, batches); err != nil {
				t.Fatal(err)
			}
			for i, g := range hostValues(s, autograd.GradsOf(s, r.leaves)) {
				if len(mean) <= i {
					mean = append(mean, make([]float64, len(g)))
				}
				for j, v := range g {
					mean[i][j] += share * v
				}
			}
		}
	})
	return mean
}

// withRun lends f a run that is built and has no folder.
func withRun(t *testing.T, c config.Config, f func(s *autograd.Scope, r *run)) {
	t.Helper()
	images, err := openImages(context.Background(), c, datasets.ByName)
	if err != nil {
		t.Fatal(err)
	}
	if err := describeInit(&c); err != nil {
		t.Fatal(err)
	}
	net, err := Trainer{}.network(&c, len(images.train.Classes))
	if err != nil {
		t.Fatal(err)
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		r := &run{config: c, net: net, folder: &runFolder{}, images: images, recorded: map[string]bool{}}
		if err := r.build(s); err != nil {
			t.Fatal(err)
		}
		f(s, r)
	})
}

func hostValues(s *autograd.Scope, l autograd.List) (values [][]float64) {
	for _, t := range l {
		values = append(values, autograd.ToSlice[float64](s, t))
	}
	return values
}

func TestTrainable(t *testing.T) {
	mobilenet := func(side int) *models.Graph {
		c := config.Default()
		c.Model.Resolution = side
		g, err := c.Graph()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	build := func(x *models.Node) *models.Graph {
		g, err := models.Build("g", x.GlobalAvgPool().Linear(models.Linear{Out: 3}))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	input := models.Input(models.Shape{Channels: 3, Height: 5, Width: 5})
	narrow := input.Conv(models.Conv{Out: 4, Kernel: 5, Padding: models.Valid})
	for _, c := range []struct {
		name  string
		graph *models.Graph
		n     int
		want  bool
	}{
		{"no image", mobilenet(224), 0, false},
		{"one image, 1x1 at the end", mobilenet(32), 1, false},
		{"one image, 2x2 at the end", mobilenet(33), 1, true},
		{"two images, 1x1 at the end", mobilenet(32), 2, true},
		{"eight images", mobilenet(224), 8, true},
		{"one image, 1x1 by valid padding", build(narrow.BatchNorm(models.BatchNorm{})), 1, false},
		{"one image, 1x1 without batch norm", build(narrow), 1, true},
	} {
		r, b := &run{net: network{graph: c.graph}}, &data.Batch{N: c.n, Height: c.graph.Input.Height, Width: c.graph.Input.Width}
		if got := r.trainable(b.N); got != c.want {
			t.Errorf("%s: trainable is %v", c.name, got)
		}
	}
}

// TestLastBatchOfOne: at resolution 32 a single image has no variance; it is skipped, recorded
// once, and is no step.
func TestLastBatchOfOne(t *testing.T) {
	c := small(t, testset.Images(t, 3, 1))
	c.Epochs, c.Keep = 2, 9
	var images []int
	notes, planned := 0, int64(0)
	if _, err := Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
		switch e := e.(type) {
		case report.Start:
			planned = e.Steps
		case report.Step:
			images = append(images, e.Images)
		case report.Note:
			if strings.Contains(e.Text, "one image") {
				notes++
			}
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(images, []int{8, 8}) || notes != 1 || planned != 2 {
		t.Errorf("steps of %v images of %d planned ones, %d notes", images, planned, notes)
	}
}

// TestUnreadableImages: an unreadable image is skipped and named once; more than a few are an error
// before training.
func TestUnreadableImages(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		c := small(t, testset.Images(t, 6, 2))
		c.Epochs = 2
		bad := filepath.Join(c.Data, "train", "green", "00.png")
		if err := os.Truncate(bad, 1500); err != nil { // a good header, and half of the pixels
			t.Fatal(err)
		}
		var skips []string
		images, skipped := 0, 0
		if _, err := Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
			switch e := e.(type) {
			case report.Step:
				images += e.Images
			case report.Skip:
				skips = append(skips, e.Path)
			case report.Epoch:
				skipped += e.Skipped
			}
			return nil
		})); err != nil {
			t.Fatal(err)
		}
		if images != 2*17 || skipped != 2 || !reflect.DeepEqual(skips, []string{bad}) {
			t.Errorf("trained on %d images, skipped %d, named %q", images, skipped, skips)
		}
	})
	t.Run("a class", func(t *testing.T) {
		c := small(t, testset.Images(t, 1, 2))
		bad := filepath.Join(c.Data, "train", "green", "00.png")
		if err := os.WriteFile(bad, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Fit(context.Background(), c, report.Multi{})
		if err == nil || !strings.Contains(err.Error(), `no readable training image: "green" (`+bad+": the file is empty)") {
			t.Errorf("error %v, want the class", err)
		}
	})
	t.Run("too many", func(t *testing.T) {
		c := small(t, testset.Images(t, 6, 2))
		for _, name := range []string{"blue/01.jpg", "red/02.png"} {
			if err := os.WriteFile(filepath.Join(c.Data, "train", name), []byte("no image"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Fit(context.Background(), c, ignore)
		if unreadable := new(check.UnreadableError); !errors.As(err, &unreadable) || !strings.Contains(err.Error(), "01.jpg") {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(c.Out); !os.IsNotExist(err) {
			t.Error("a run's folder was made")
		}
	})
}

// TestDivergence: no number that is not finite reaches a file.
func TestDivergence(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"plain":    func(*config.Config) {},
		"clipping": func(c *config.Config) { c.ClipGradNorm = 1 },
		"adamw":    func(c *config.Config) { c.Optimizer = "adamw" },
	} {
		t.Run(name, func(t *testing.T) {
			c := small(t, testset.Images(t, 6, 2))
			c.LR, c.WarmupEpochs = 1e30, 1
			change(&c)
			_, err := Fit(context.Background(), c, ignore)
			if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "--lr") || !strings.Contains(err.Error(), "step") {
				t.Fatalf("error %v, want ErrNotFinite with its step and advice", err)
			}
			if events := string(testset.Contents(t, filepath.Join(c.Out, eventsFile))); !strings.Contains(events, `"status":"failed","error":"train: `) {
				t.Errorf("the events do not say why it failed:\n%s", events)
			}
			saved, err := filepath.Glob(filepath.Join(c.Out, "*", "*.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range saved {
				f, err := checkpoints.Read(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range f.Arrays {
					values, ok := a.Data.Data().([]float32)
					for _, v := range values {
						if ok && (math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)) {
							t.Fatalf("%s: %s holds %v", path, a.Name, v)
						}
					}
				}
			}
		})
	}
}

// TestValidationNotFinite: a network that computes no numbers is never the best one.
func TestValidationNotFinite(t *testing.T) {
	withRun(t, small(t, testset.Images(t, 3, 1)), func(s *autograd.Scope, r *run) {
		bias := r.leaves[len(r.leaves)-1]
		autograd.CopyFromSlice(s, bias, []float64{math.NaN(), 0, 0})
		var sum report.Epoch
		if err := r.validate(context.Background(), s, &sum); err != nil {
			t.Error(err)
		}
		if !math.IsNaN(sum.ValLoss) || sum.Best || r.Best.Step != 0 || sum.ValImages != 3 {
			t.Errorf("%+v, best %+v", sum, r.Best)
		}
		r.Step = 1
		if err := r.save(s, false); !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "classifier.bias") {
			t.Errorf("saving it: %v", err)
		}
	})
}

// TestBestIsTheFirst: an accuracy that was reached before is no new best.
func TestBestIsTheFirst(t *testing.T) {
	withRun(t, small(t, testset.Images(t, 3, 1)), func(s *autograd.Scope, r *run) {
		for i, want := range []bool{true, false} {
			r.Step++
			var sum report.Epoch
			if err := r.validate(context.Background(), s, &sum); err != nil {
				t.Error(err)
			}
			if sum.Best != want || r.Best.Step != 1 {
				t.Errorf("validation %d: best is %v, that of step %d", i+1, sum.Best, r.Best.Step)
			}
		}
	})
}
