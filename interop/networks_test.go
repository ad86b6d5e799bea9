//go:build interop

package interop

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/report"
	"depthwise.dev/train"
	"depthwise.dev/weights"
)

// network is a network that the test trains.
type network struct {
	name       string
	arch       string // a MobileNet, or "" for graph
	variant    string
	width      float64
	resolution int
	graph      func(classes int) *models.Node
	lr         float64 // 0: 0.02
	untrained  bool    // random weights: graph has an input that images do not have
}

// networks are those of every publisher, at full and at small width, at even, odd and unusual resolutions, and graphs with every
// kind of layers.
var networks = []network{
	{name: "v1-paper", arch: "mobilenet_v1", variant: "paper", width: 1, resolution: 160},
	{name: "v1-paper-0.25", arch: "mobilenet_v1", variant: "paper", width: 0.25, resolution: 97},
	{name: "v1-article", arch: "mobilenet_v1", variant: "article", width: 0.5, resolution: 128},
	{name: "v1-article-odd", arch: "mobilenet_v1", variant: "article", width: 0.25, resolution: 75},
	{name: "v1-timm", arch: "mobilenet_v1", variant: "timm", width: 1, resolution: 128},
	{name: "v1-timm-0.35", arch: "mobilenet_v1", variant: "timm", width: 0.35, resolution: 97},
	{name: "v1-keras", arch: "mobilenet_v1", variant: "keras", width: 1, resolution: 128},
	{name: "v1-keras-0.25", arch: "mobilenet_v1", variant: "keras", width: 0.25, resolution: 101},
	{name: "v1-hf", arch: "mobilenet_v1", variant: "hf", width: 1, resolution: 128},
	{name: "v1-hf-0.25", arch: "mobilenet_v1", variant: "hf", width: 0.25, resolution: 75},
	{name: "v2-torchvision", arch: "mobilenet_v2", variant: "torchvision", width: 1, resolution: 160},
	{name: "v2-torchvision-0.35", arch: "mobilenet_v2", variant: "torchvision", width: 0.35, resolution: 97},
	{name: "v2-timm", arch: "mobilenet_v2", variant: "timm", width: 1, resolution: 128},
	{name: "v2-timm-0.35", arch: "mobilenet_v2", variant: "timm", width: 0.35, resolution: 97},
	{name: "v2-keras", arch: "mobilenet_v2", variant: "keras", width: 1, resolution: 128},
	{name: "v2-keras-0.35", arch: "mobilenet_v2", variant: "keras", width: 0.35, resolution: 101},
	{name: "v2-hf", arch: "mobilenet_v2", variant: "hf", width: 1, resolution: 128},
	{name: "v2-hf-0.35", arch: "mobilenet_v2", variant: "hf", width: 0.35, resolution: 75},
	{name: "graph", graph: everyLayer, resolution: 57, lr: 0.1},
	{name: "graph-gray", graph: grayRectangle, untrained: true},
}

// everyLayer has each kind of layers, of padding and of activation, and names that are no identifiers.
func everyLayer(classes int) *models.Node {
	x := models.Input(models.Shape{Channels: 3, Height: 57, Width: 57})
	x = x.Conv(models.Conv{Out: 16, Kernel: 3, Stride: 2, Padding: models.Same, Bias: true}).Named("Stamm/größe 1").BatchNorm(models.BatchNorm{Momentum: momentum}).ReLU6()
	x = x.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Symmetric})
	y := x.Conv(models.Conv{Out: 16, Kernel: 3, Groups: 4}).Named("groups \"4\"").BatchNorm(models.BatchNorm{Eps: 1e-3, Momentum: momentum}).ReLU()
	y = y.DepthwiseConv(models.Conv{Kernel: 5, Stride: 1, Padding: models.Same, Bias: true})
	x = x.Add(y).Named("和").ReLU()
	x = x.BatchNorm(models.BatchNorm{Momentum: momentum}).ReLU()
	x = x.DepthwiseConv(models.Conv{Kernel: 3, Stride: 2, Padding: models.BottomRight}).BatchNorm(models.BatchNorm{Momentum: momentum}).ReLU6()
	x = x.Conv(models.Conv{Out: 8, Kernel: 2, Padding: models.Valid}).ReLU()
	x = x.MaxPool(models.Pool{Kernel: 2, Padding: models.Same})
	x = x.Flatten().Dropout(0.1).Linear(models.Linear{Out: 24}).ReLU()
	return x.Linear(models.Linear{Out: classes, NoBias: true})
}

// grayRectangle reads images with one channel that are not square.
func grayRectangle(classes int) *models.Node {
	x := models.Input(models.Shape{Channels: 1, Height: 40, Width: 27})
	x = x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{Momentum: momentum}).ReLU()
	x = x.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.BottomRight})
	return x.GlobalAvgPool().Linear(models.Linear{Out: classes})
}

// classNames are awkward in JSON, YAML, Python, C, XML and as lines of text.
var classNames = []string{`"quoted"`, "Ährenfeld 3", "a b, c", "chien/chat\\", "it's: #1", "犬🐕"}

// dataSet makes a folder of images in folders with these names.
func dataSet(t *testing.T) string {
	dir, rng := t.TempDir(), rand.New(rand.NewPCG(16, 1))
	for c, class := range classNames {
		for i := range 10 {
			part := "train"
			if i >= 8 {
				part = "val"
			}
			testset.WriteImage(t, filepath.Join(dir, part, strings.ReplaceAll(class, "/", "⁄")), i, pattern(c, rng))
		}
	}
	return dir
}

// pattern draws a picture of a class: waves whose direction and color are the class's, with noise.
func pattern(class int, rng *rand.Rand) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 120, 100))
	phase := rng.Float64() * 6
	for y := range 100 {
		for x := range 120 {
			angle := float64(x)*(0.1+0.05*float64(class)) + float64(y)*(0.4-0.06*float64(class)) + phase
			shade := 105 + 100*math.Sin(angle) + 40*rng.Float64()
			m.SetRGBA(x, y, color.RGBA{R: uint8(shade), G: uint8(shade / float64(1+class%3)), B: uint8(shade / float64(1+class%2)), A: 255})
		}
	}
	return m
}

const (
	trainingSteps = 30
	// momentum makes running statistics follow the images in so few steps. With Keras' 0.01 they would stay near 0 and 1, and
	// the networks would give the same logits for all images.
	momentum = 0.3
)

// trained trains the network for a few steps, so that its running statistics are those of no other, and returns a file.
func (n network) trained(t *testing.T, dataDir string) string {
	if n.untrained {
		return n.random(t)
	}
	c, err := config.Sources{Data: dataDir, Arch: n.arch, Variant: n.variant}.Config()
	if err != nil {
		t.Fatal(err)
	}
	trainer := train.Trainer{}
	if n.graph != nil {
		if trainer.Graph, err = models.Build(n.name, n.graph(len(classNames))); err != nil {
			t.Fatal(err)
		}
	} else {
		c.Model.Width, c.Model.BNMomentum, c.Model.Dropout = n.width, momentum, 0 // hf has 0.999, with which it learns slowly
	}
	c.Model.Resolution = n.resolution
	c.MaxSteps, c.Epochs, c.BatchSize, c.LR, c.Seed, c.Workers = trainingSteps, 10, 16, cmp.Or(n.lr, 0.02), 7, 1
	c.Out = filepath.Join(t.TempDir(), n.name)
	result, err := trainer.Fit(context.Background(), c, report.Multi{})
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return restoreVariant(t, filepath.Join(result.Dir, weights.BestFile))
}

// restoreVariant makes the network that of its variant again.
func restoreVariant(t *testing.T, path string) string {
	w, err := formats.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if w.Config != nil {
		c, err := mobilenet.Default(w.Config.Arch, w.Config.Variant)
		if err != nil {
			t.Fatal(err)
		}
		w.Config.BNMomentum, w.Config.Dropout = c.BNMomentum, c.Dropout
		if w.Graph, err = w.Config.Graph(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// random gives the network random weights, and running statistics that are not the initial ones.
func (n network) random(t *testing.T) string {
	g, err := models.Build(n.name, n.graph(len(classNames)))
	if err != nil {
		t.Fatal(err)
	}
	w := weights.Weights{Graph: g, Classes: classNames, Preprocess: data.Preprocess{Resolution: g.Input.Height, Std: [3]float64{1, 1, 1}}}
	rng := rand.New(rand.NewPCG(3, 9))
	for _, a := range g.Arrays() {
		values := a.Initial(5)
		for i := range values {
			values[i] += 0.3 * rng.Float32()
		}
		array, err := checkpoints.NewArray(a.Name, values, shapeOf(a)...)
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	path := filepath.Join(t.TempDir(), n.name+".safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// subject is a network to export, with the inputs that it is compared on.
type subject struct {
	name   string
	path   string
	w      weights.Weights
	inputs []input
}

// subjects trains the networks and reads those of INTEROP_WEIGHTS, files separated by commas.
func subjects(t *testing.T) []subject {
	var list []subject
	add := func(name, path string) {
		w, err := formats.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, subject{name, path, w, inputs(t, w)})
	}
	dir := dataSet(t)
	for _, n := range networks {
		progress("training %s", n.name)
		add(n.name, n.trained(t, dir))
	}
	if files := os.Getenv("INTEROP_WEIGHTS"); files != "" {
		for _, path := range strings.Split(files, ",") {
			add(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), fromRoot(path))
		}
	}
	return list
}

func progress(format string, arguments ...any) {
	fmt.Printf("interop: "+format+"\n", arguments...)
}
