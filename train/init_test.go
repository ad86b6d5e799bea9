package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/report"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// pretrained writes weights of the network that small trains, for other classes, and returns the file.
func pretrained(t *testing.T, classes ...string) (path string, w weights.Weights) {
	t.Helper()
	w = weightstest.New(t)
	if classes != nil {
		w.Classes = classes
	}
	w.Preprocess.Interpolation = "bicubic"
	path = filepath.Join(t.TempDir(), "pretrained.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path, w
}

// TestStartFromWeights: a run that starts from weights has their network and preprocessing, their values in all
// layers, and in the head if the classes are the same.
func TestStartFromWeights(t *testing.T) {
	data := testset.Images(t, 6, 2)
	for _, tc := range []struct {
		name    string
		classes []string
		head    bool // is kept
		note    string
	}{
		{"the same classes", []string{"blue", "green", "red"}, true, "with its head"},
		{"other names", []string{"x", "y", "z"}, false, "replaced"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, data)
			var w weights.Weights
			c.Init, w = pretrained(t, tc.classes...)
			c.Model = config.Default().Model
			withRun(t, c, func(s *autograd.Scope, r *run) {
				if r.net.config.Width != w.Config.Width || r.net.preprocess.Interpolation != "bicubic" || r.net.preprocess.Resize != w.Preprocess.Resize {
					t.Errorf("network %v, preprocessing %+v, want those of the weights", r.net.config, r.net.preprocess)
				}
				want := hostArrays32(t, w.Arrays)
				for _, a := range r.network.State() {
					if a.Name == "classifier.bias" {
						continue // 0 in both
					}
					same := slices.Equal(autograd.ToSlice[float32](s, a.Tensor), want[a.Name])
					if isHead := strings.HasPrefix(a.Name, "classifier"); same != (!isHead || tc.head) {
						t.Errorf("%s equals that of the weights: %v", a.Name, same)
					}
				}
				if !strings.Contains(r.startNote, tc.note) {
					t.Errorf("the note %q does not say %q", r.startNote, tc.note)
				}
			})
		})
	}
}

// TestInitIsResumed: a run continues without the weights that it started from.
func TestInitIsResumed(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3))
	c.Init, _ = pretrained(t)
	c.Model = config.Default().Model
	want := outcome(t, fit(t, c))
	c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
	stop(t, c, atStep(4))
	if err := os.Remove(c.Init); err != nil {
		t.Fatal(err)
	}
	again, err := config.Load(filepath.Join(c.Out, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	again.Out, again.Resume = c.Out, "auto"
	checkOutcome(t, outcome(t, fit(t, again)), want)
}

// TestOriginIsKept: the origin and license of published weights are in everything derived from them, also after a resume.
func TestOriginIsKept(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	path, w := pretrained(t)
	origin := weights.Origin{Name: "torchvision/mobilenet_v2", SHA256: "ab", License: "bsd-3-clause"}
	if err := errors.Join(w.SetPublishedOrigin(origin), w.Write(path)); err != nil {
		t.Fatal(err)
	}
	c.Init, c.Model, c.Resume = path, config.Default().Model, "auto"
	stop(t, c, atStep(4))
	result := fit(t, c)
	newest, err := filepath.Glob(filepath.Join(result.Dir, weights.CheckpointFolder, "*.safetensors"))
	if err != nil || len(newest) == 0 {
		t.Fatal(newest, err)
	}
	for _, file := range append(newest, filepath.Join(result.Dir, weights.BestFile)) {
		w, err := formats.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.PublishedOrigin(); err != nil || got == nil || *got != origin {
			t.Errorf("%s: origin %+v, %v", file, got, err)
		}
	}
}

// TestWrongInit: weights that do not fit the settings are refused before anything is written.
func TestWrongInit(t *testing.T) {
	data := testset.Images(t, 3, 1)
	for _, tc := range []struct {
		name, want string
		change     func(*config.Config)
	}{
		{"another width", "width 0.5: contradicts --init, whose weights have 0.25", func(c *config.Config) { c.Model.Width = 0.5 }},
		{"another architecture", "arch mobilenet_v2: contradicts", func(c *config.Config) {
			c.Model, _ = mobilenet.Default("mobilenet_v2", "torchvision")
			c.Model.Classes = 3
		}},
		{"no file", "no such file", func(c *config.Config) { c.Init += ".missing" }},
		{"too many blocks", "has 13 blocks", func(c *config.Config) { c.Freeze = "blocks:14" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, data)
			c.Init, _ = pretrained(t)
			tc.change(&c)
			_, err := Fit(context.Background(), c, ignore)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if _, err := os.Stat(c.Out); err == nil {
				t.Error("the run's folder was left behind")
			}
		})
	}
}

// TestCachedFeatures: a run whose backbone is frozen computes the same, to rounding, with the features of all images
// computed once as with those of each batch, and its head alone changes.
func TestCachedFeatures(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3))
	c.Freeze, c.Augment, c.Workers = "backbone", "none", 2
	var losses [2][]float64
	var heads [2][]float32
	for i, cached := range []bool{true, false} {
		c.Out = filepath.Join(t.TempDir(), "run")
		if !cached {
			c.Augment, c.CropScale, c.CropRatio, c.Flip, c.ColorJitter = "none", [2]float64{1, 1}, [2]float64{1, 1}, 0, [4]float64{0, 0, 0, 1e-12} // no change, but not none
		}
		result, err := Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
			if e, ok := e.(report.Epoch); ok {
				losses[i] = append(losses[i], e.TrainLoss, e.ValLoss)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		w, err := formats.Read(filepath.Join(result.Dir, weights.BestFile))
		if err != nil {
			t.Fatal(err)
		}
		heads[i] = hostArrays32(t, w.Arrays)["classifier.weight"]
	}
	if len(losses[0]) != len(losses[1]) {
		t.Fatalf("losses %v and %v", losses[0], losses[1])
	}
	for i := range losses[0] {
		if d := losses[0][i] - losses[1][i]; d > 1e-5 || d < -1e-5 { // float32 sums in another order
			t.Errorf("losses %v and %v", losses[0], losses[1])
			break
		}
	}
	if reflect.DeepEqual(heads[0], heads[1]) == false {
		for i := range heads[0] {
			if d := heads[0][i] - heads[1][i]; d > 1e-5 || d < -1e-5 {
				t.Fatalf("head %v and %v", heads[0][i], heads[1][i])
			}
		}
	}
}
