package backend

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/checkpoints"
	"depthwise.dev/formats"
	"depthwise.dev/formats/gopackage"
	"depthwise.dev/formats/gopackage/classifier"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// parityTolerance is absolute, for float32 over 27 to 53 layers. Measured: at most 4.8e-5, of ImageNet's logits up to 15
// by the fused kernels; 4e-7 of logits up to 1.
const parityTolerance = 1e-4

// peerCase is what another library computed with its own network.
type peerCase struct {
	images        []float32 // (N, 3, side, side)
	side          int
	want          []float32
	probabilities bool // want holds softmax's output
}

// check computes the case from weights with every backend that supports their graph and compares.
func (c peerCase) check(t *testing.T, w weights.Weights) {
	t.Helper()
	c.checkGoPackage(t, w)
	for _, b := range backends {
		_, isCUDA := b.(CUDA) // emulated here
		if err := b.Supports(w.Graph, autograd.CPU); err != nil && !isCUDA {
			if w.Config.Arch == "mobilenet_v1" {
				t.Errorf("%s: %v", b.Name(), err)
			}
			continue
		}
		autogradtest.Run(t, func(s *autograd.Scope) {
			n, err := Load(s, w, autograd.CPU)
			if err != nil {
				t.Fatal(err)
			}
			side := int64(c.side)
			x := s.ChannelsLast(autograd.FromSlice(s, c.images, int64(len(c.images))/(3*side*side), 3, side, side))
			y := b.Inference(s, n, autograd.Float32).Forward(s, x)
			if c.probabilities {
				y = s.Softmax(y, 1)
			}
			got := autograd.ToSlice[float32](s, y)
			if len(got) != len(c.want) {
				t.Fatalf("%d outputs, want %d", len(got), len(c.want))
			}
			worst := 0.0
			for i := range got {
				if d := math.Abs(float64(got[i] - c.want[i])); !(d <= worst) {
					worst = d
				}
			}
			t.Logf("%v, backend %s: largest difference %.2g of %d outputs up to %.3g", *w.Config, b.Name(), worst, len(got), slices.Max(c.want))
			if !(worst <= parityTolerance) {
				t.Errorf("backend %s: largest difference %.2g, %.2g allowed; got %v, want %v", b.Name(), worst, parityTolerance, got[:5], c.want[:5])
			}
		})
	}
}

// checkGoPackage computes the case with the code of train export --format go.
func (c peerCase) checkGoPackage(t *testing.T, w weights.Weights) {
	t.Helper()
	g, err := w.Graph.Resize(c.side, c.side)
	if err != nil {
		t.Fatal(err)
	}
	w.Graph = g
	file, err := gopackage.Encode(w, classifier.Float32)
	if err != nil {
		t.Fatal(err)
	}
	for _, kernels := range classifier.Kernels() {
		network, err := classifier.LoadFor(kernels, file)
		if err != nil {
			t.Fatal(err)
		}
		worst, plane, classes := 0.0, c.side*c.side, len(w.Classes)
		for n := range len(c.images) / (3 * plane) {
			values := make([]float32, 3*plane)
			for i := range values {
				values[i] = c.images[n*3*plane+i%3*plane+i/3]
			}
			got, err := network.LogitsOf(values)
			if err != nil {
				t.Fatal(err)
			}
			if c.probabilities {
				total := 0.0
				for _, v := range got {
					total += math.Exp(float64(v))
				}
				for i, v := range got {
					got[i] = float32(math.Exp(float64(v)) / total)
				}
			}
			for i, want := range c.want[n*classes:][:classes] {
				if d := math.Abs(float64(got[i] - want)); !(d <= worst) {
					worst = d
				}
			}
		}
		t.Logf("Go package, kernels %s: largest difference %.2g", kernels, worst)
		if !(worst <= parityTolerance) {
			t.Errorf("Go package, kernels %s: largest difference %.2g, %.2g allowed", kernels, worst, parityTolerance)
		}
	}
}

// TestAgreesWithPeers: the cases of testdata/make_peers.py, whose weights follow from a formula. Architecture, variant,
// width and classes are inferred from their names and shapes.
func TestAgreesWithPeers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "peers", "*.json"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var p struct {
				Arch, Variant, Output string
				Width                 float64
				Resolution, Classes   int
				Values                []float32
				Arrays                []struct {
					Name      string
					Shape     []int
					Low, High float64
				}
			}
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			state := peers.State{Keras: p.Variant == "keras" || p.Variant == "article"}
			for _, a := range p.Arrays {
				n := 1
				for _, d := range a.Shape {
					n *= d
				}
				state.Arrays = append(state.Arrays, peers.Array{Name: a.Name, Shape: a.Shape, Values: formula(a.Name, n, a.Low, a.High)})
			}
			w, err := peers.Weights(state, peers.Options{})
			if err != nil {
				t.Fatal(err)
			}
			wide := *w.Config
			wide.Width = p.Width
			if w.Config.Arch != p.Arch || w.Config.Variant != p.Variant || w.Config.Classes != p.Classes || !slices.EqualFunc(graph(t, wide).Arrays(), w.Graph.Arrays(), sameShape) {
				t.Errorf("inferred %v, want %s %s, width %v, %d classes", *w.Config, p.Arch, p.Variant, p.Width, p.Classes)
			}
			c := peerCase{images: formula("images", 2*3*p.Resolution*p.Resolution, -1.75, 1.75), side: p.Resolution, want: p.Values, probabilities: p.Output == "probabilities"}
			c.check(t, w)
		})
	}
}

// TestAgreesWithPeersFiles: every folder of PARITY_DIR, with the weights in the peers' own files and as a folder.
func TestAgreesWithPeersFiles(t *testing.T) {
	root := os.Getenv("PARITY_DIR")
	if root == "" {
		t.Skip("PARITY_DIR names no folder of cases; TestAgreesWithPeers has small ones")
	}
	cases, err := filepath.Glob(filepath.Join(root, "*", "case.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("PARITY_DIR %s: no cases, error %v", root, err)
	}
	for _, file := range cases {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) { checkFolder(t, folder) })
	}
}

// kindsOf maps the beginnings of kinds in case.json to architectures and variants.
var kindsOf = []struct{ kind, arch, variant string }{
	{"timm:v1", "mobilenet_v1", "timm"}, {"hf:v1", "mobilenet_v1", "hf"}, {"keras:v1", "mobilenet_v1", "keras"}, {"article", "mobilenet_v1", "article"},
	{"timm:mobilenetv1", "mobilenet_v1", "timm"}, {"timm:mobilenetv2", "mobilenet_v2", "timm"}, {"torchvision:mobilenet_v2", "mobilenet_v2", "torchvision"},
	{"hf:v2", "mobilenet_v2", "hf"}, {"keras:v2", "mobilenet_v2", "keras"},
}

// notImplemented are the beginnings of kinds whose architecture the project lacks, with how the reader names it.
var notImplemented = map[string]string{
	"timm:mobilenetv3": "a MobileNetV3", "timm:mobilenetv4": "a MobileNetV4", "torchvision:mobilenet_v3": "a MobileNetV3",
}

func checkFolder(t *testing.T, folder string) {
	var p struct {
		Kind       string
		Resolution int
	}
	text, err := os.ReadFile(filepath.Join(folder, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if p.Kind == "optim" {
		t.Skip("holds no network: package optim reads it")
	}
	files, err := filepath.Glob(filepath.Join(folder, "model.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no weights, error %v", folder, err)
	}
	for kind, name := range notImplemented {
		if strings.HasPrefix(p.Kind, kind) {
			if _, err := formats.Read(files[0]); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %q", err, name)
			}
			return
		}
	}
	i := slices.IndexFunc(kindsOf, func(k struct{ kind, arch, variant string }) bool { return strings.HasPrefix(p.Kind, k.kind) })
	if i < 0 {
		t.Fatalf("%s is of kind %q, which the test does not know", folder, p.Kind)
	}
	c := peerCase{side: p.Resolution}
	c.readImages(t, folder)
	if len(files) == 1 {
		files = append(files, folder)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w, err := formats.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if w.Config.Arch != kindsOf[i].arch || w.Config.Variant != kindsOf[i].variant {
				t.Errorf("inferred %v, want %s %s", *w.Config, kindsOf[i].arch, kindsOf[i].variant)
			}
			t.Log(w.Origin)
			c.check(t, w)
		})
	}
}

// readImages reads input and output, from channels-last where Keras wrote them.
func (c *peerCase) readImages(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, "input.npy")); err == nil {
		c.images, c.want = readNPY(t, filepath.Join(folder, "input.npy")), readNPY(t, filepath.Join(folder, "logits.npy"))
		return
	}
	c.probabilities = true
	c.want = readNPY(t, filepath.Join(folder, "probabilities.npy"))
	v := readNPY(t, filepath.Join(folder, "input_nhwc.npy"))
	positions := c.side * c.side
	c.images = make([]float32, len(v))
	for i, x := range v {
		n, position, color := i/(3*positions), i/3%positions, i%3
		c.images[(n*3+color)*positions+position] = x
	}
}

func readNPY(t *testing.T, path string) []float32 {
	t.Helper()
	d, err := checkpoints.ReadNPY(path)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := d.Data().([]float32)
	if !ok {
		t.Fatalf("%s holds %v", path, d.Dtype())
	}
	return v
}

// TestAgreesOnImageNet: the trained weights of WEIGHTS_DIR give the logits that their publishers' code computes.
func TestAgreesOnImageNet(t *testing.T) {
	root := os.Getenv("WEIGHTS_DIR")
	if root == "" {
		t.Skip("WEIGHTS_DIR names no folder of trained weights; TestAgreesWithPeers has small networks")
	}
	for _, tc := range []struct {
		name, arch, variant    string
		classes                int
		class                  string // the name of class 1
		weights, input, logits string
	}{
		{"v1 of TF-slim", "mobilenet_v1", "hf", 1001, "tench", "mobilenet_v1_1.0_224", "mobilenet_v1_1.0_224/input.npy", "mobilenet_v1_1.0_224/logits.npy"},
		{"v2 of torchvision", "mobilenet_v2", "torchvision", 1000, "1", "mobilenet_v2-b0353104.pth", "mobilenet_v2_input.npy", "mobilenet_v2_logits.npy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, err := formats.Read(filepath.Join(root, tc.weights))
			if err != nil {
				t.Fatal(err)
			}
			want := config(t, tc.arch, tc.variant)
			want.Classes = tc.classes
			if *w.Config != want || w.Classes[1] != tc.class {
				t.Errorf("inferred %+v with class %q, want %+v with %q", *w.Config, w.Classes[1], want, tc.class)
			}
			c := peerCase{side: 224, images: readNPY(t, filepath.Join(root, tc.input)), want: readNPY(t, filepath.Join(root, tc.logits))}
			c.check(t, w)
		})
	}
}
