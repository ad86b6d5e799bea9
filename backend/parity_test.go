package backend

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// parityTolerance is absolute, for float32 over 27 to 53 layers. Measured: at most 4.8e-5, of ImageNet's logits up to 15
// by the fused kernels; 4e-7 of logits up to 1.
const parityTolerance = 1e-4

// peerCase is a network that another library has computed.
type peerCase struct {
	config        mobilenet.Config
	names         func(g *models.Graph, l models.Layer) peerNames
	weights       map[string]peerArray
	images        []float32 // (N, 3, resolution, resolution)
	want          []float32
	probabilities bool // want holds softmax's output
}

// peerArray is an array as the peer stores it.
type peerArray struct {
	values []float32
	shape  []int // nil where the format does not tell; layouts follow from the names then
}

// peerNames are the peer's names of a layer's arrays: weight, bias, and the four of its norm.
type peerNames struct {
	conv, norm string
	keras      bool // kernels are (H, W, in, out), and the norm's arrays have Keras' names
}

// check computes the case with every backend that supports its graph and compares.
func (c peerCase) check(t *testing.T) {
	t.Helper()
	g := graph(t, c.config)
	values, err := c.mapped(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range backends {
		if err := b.Supports(g, autograd.CPU); err != nil {
			if c.config.Arch == "mobilenet_v1" {
				t.Errorf("%s: %v", b.Name(), err)
			}
			continue
		}
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, g, 1)
			if err := n.Load(s, values); err != nil {
				t.Fatal(err)
			}
			side := int64(c.config.Resolution)
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
			t.Logf("%v, backend %s: largest difference %.2g of %d outputs up to %.3g", c.config, b.Name(), worst, len(got), slices.Max(c.want))
			if !(worst <= parityTolerance) {
				t.Errorf("backend %s: largest difference %.2g, %.2g allowed; got %v, want %v", b.Name(), worst, parityTolerance, got[:5], c.want[:5])
			}
		})
	}
}

// mapped are the weights under the graph's names, in its layouts. Every array of the peer must be used.
func (c peerCase) mapped(g *models.Graph) (map[string][]float32, error) {
	rest := map[string]bool{}
	for name := range c.weights {
		rest[name] = !strings.HasSuffix(name, ".num_batches_tracked")
	}
	values := map[string][]float32{}
	take := func(name, from string, convert func([]float32) []float32) error {
		a, ok := c.weights[from]
		if !ok {
			return fmt.Errorf("the peer has no %s for %s", from, name)
		}
		rest[from] = false
		values[name] = convert(a.values)
		return nil
	}
	same := func(v []float32) []float32 { return v }
	for _, l := range g.Layers {
		p := c.names(g, l)
		for _, a := range l.Arrays() {
			prefix, kind := a.Name[:strings.LastIndex(a.Name, ".")], a.Name[strings.LastIndex(a.Name, ".")+1:]
			from, convert := p.conv, same
			if l.Norm != nil && prefix == l.Norm.Name {
				from = p.norm
				if p.keras {
					kind = kerasKinds[kind]
				}
			} else if p.keras && kind == "weight" {
				kind, convert = "kernel", func(v []float32) []float32 { return fromKeras(v, l) }
			}
			separator := "."
			if p.keras {
				separator = "/"
			}
			if err := take(a.Name, from+separator+kind, convert); err != nil {
				return nil, err
			}
		}
	}
	var unused []string
	for name, left := range rest {
		if left {
			unused = append(unused, name)
		}
	}
	if len(unused) > 0 {
		slices.Sort(unused)
		return nil, fmt.Errorf("%d arrays of the peer are not used: %s", len(unused), strings.Join(unused, ", "))
	}
	return values, nil
}

var kerasKinds = map[string]string{"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}

// fromKeras transposes a kernel (H, W, in, out) to (out, in, H, W), one of a depthwise convolution (H, W, C, 1) to
// (C, 1, H, W), and one of a dense layer (in, out) to (out, in).
func fromKeras(v []float32, l models.Layer) []float32 {
	positions := max(l.Kernel*l.Kernel, 1)
	in, out := len(v)/(positions*l.Out), l.Out
	result := make([]float32, len(v))
	for p := range positions {
		for i := range in {
			for o := range out {
				result[(o*in+i)*positions+p] = v[(p*in+i)*out+o]
			}
		}
	}
	return result
}

// convIndex is the place of a layer among the graph's convolutions.
func convIndex(g *models.Graph, l models.Layer) int {
	n := 0
	for _, other := range g.Layers {
		if other.Name == l.Name {
			return n
		}
		if other.Kind == models.KindConv {
			n++
		}
	}
	return -1
}

// timmNames are the graph's own.
func timmNames(_ *models.Graph, l models.Layer) peerNames {
	if l.Norm != nil {
		return peerNames{conv: l.Name, norm: l.Norm.Name}
	}
	return peerNames{conv: l.Name}
}

// block splits a name "blocks.STAGE.INDEX.part" and numbers the block in the whole network.
func block(g *models.Graph, name string) (number int, part string) {
	part = name[strings.LastIndex(name, ".")+1:]
	prefix, last := "", -1
	for _, l := range g.Layers {
		if !strings.HasPrefix(l.Name, "blocks.") {
			continue
		}
		if p := l.Name[:strings.LastIndex(l.Name, ".")]; p != prefix {
			prefix, last = p, last+1
		}
		if l.Name == name {
			return last, part
		}
	}
	return -1, part
}

// torchvisionNames: features.0 is the stem, features.K blocks, each a list of convolutions, features.18 the head.
func torchvisionNames(g *models.Graph, l models.Layer) peerNames {
	switch l.Name {
	case "conv_stem":
		return peerNames{conv: "features.0.0", norm: "features.0.1"}
	case "conv_head":
		return peerNames{conv: "features.18.0", norm: "features.18.1"}
	case "classifier":
		return peerNames{conv: "classifier.1"}
	}
	number, part := block(g, l.Name)
	prefix := fmt.Sprintf("features.%d.conv.", number+1)
	expands := number > 0 // the first block does not
	place := map[string]int{"conv_pw": 0, "conv_dw": 1, "conv_pwl": 2}[part]
	if !expands {
		place = map[string]int{"conv_dw": 0, "conv_pw": 1}[part]
	}
	if part == "conv_pwl" || !expands && part == "conv_pw" { // the projection is no list
		return peerNames{conv: prefix + strconv.Itoa(place), norm: prefix + strconv.Itoa(place+1)}
	}
	return peerNames{conv: fmt.Sprint(prefix, place, ".0"), norm: fmt.Sprint(prefix, place, ".1")}
}

// hfNames are Hugging Face's of either architecture.
func hfNames(g *models.Graph, l models.Layer) peerNames {
	pair := func(prefix string) peerNames {
		return peerNames{conv: prefix + ".convolution", norm: prefix + ".normalization"}
	}
	v2 := g.Layers[2].Name == "blocks.0.0.conv_pw" && !strings.HasPrefix(g.Name, "mobilenet_v1")
	switch {
	case l.Name == "classifier":
		return peerNames{conv: "classifier"}
	case !v2 && l.Name == "conv_stem":
		return pair("mobilenet_v1.conv_stem")
	case !v2:
		return pair(fmt.Sprint("mobilenet_v1.layer.", convIndex(g, l)-1))
	case l.Name == "conv_stem":
		return pair("mobilenet_v2.conv_stem.first_conv")
	case l.Name == "conv_head":
		return pair("mobilenet_v2.conv_1x1")
	}
	number, part := block(g, l.Name)
	if number == 0 { // belongs to the stem
		return pair("mobilenet_v2.conv_stem." + map[string]string{"conv_dw": "conv_3x3", "conv_pw": "reduce_1x1"}[part])
	}
	return pair(fmt.Sprintf("mobilenet_v2.layer.%d.%s", number-1, map[string]string{"conv_pw": "expand_1x1", "conv_dw": "conv_3x3", "conv_pwl": "reduce_1x1"}[part]))
}

// kerasV1Names are those of keras.applications.MobileNet.
func kerasV1Names(g *models.Graph, l models.Layer) peerNames {
	number, part := block(g, l.Name)
	name := fmt.Sprintf("%s_%d", part, number+1)
	switch l.Name {
	case "conv_stem":
		name = "conv1"
	case "classifier":
		name = "conv_preds"
	}
	return peerNames{conv: name, norm: name + "_bn", keras: true}
}

// kerasV2Names are those of keras.applications.MobileNetV2.
func kerasV2Names(g *models.Graph, l models.Layer) peerNames {
	switch l.Name {
	case "conv_stem":
		return peerNames{"Conv1", "bn_Conv1", true}
	case "conv_head":
		return peerNames{"Conv_1", "Conv_1_bn", true}
	case "classifier":
		return peerNames{conv: "predictions", keras: true}
	}
	number, part := block(g, l.Name)
	name := fmt.Sprintf("block_%d_%s", number, map[string]string{"conv_pw": "expand", "conv_dw": "depthwise", "conv_pwl": "project"}[part])
	if number == 0 {
		name = "expanded_conv_" + map[string]string{"conv_dw": "depthwise", "conv_pw": "project"}[part]
	}
	return peerNames{name, name + "_BN", true}
}

// autoNames are those that Keras gives to layers without names, numbered for each class.
func autoNames(g *models.Graph, l models.Layer) peerNames {
	numbered := func(class string, n int) string {
		if n == 0 {
			return class
		}
		return fmt.Sprintf("%s_%d", class, n)
	}
	if l.Kind == models.KindLinear {
		return peerNames{conv: "dense", keras: true}
	}
	class, n := "conv2d", 0
	if l.Depthwise() {
		class = "depthwise_conv2d"
	}
	for _, other := range g.Layers {
		if other.Name == l.Name {
			break
		}
		if other.Kind == models.KindConv && other.Depthwise() == l.Depthwise() {
			n++
		}
	}
	return peerNames{numbered(class, n), numbered("batch_normalization", convIndex(g, l)), true}
}

// namesOf is the table of peers.
var namesOf = map[string]func(*models.Graph, models.Layer) peerNames{
	"mobilenet_v1 timm": timmNames, "mobilenet_v1 hf": hfNames, "mobilenet_v1 keras": kerasV1Names, "mobilenet_v1 article": autoNames,
	"mobilenet_v2 timm": timmNames, "mobilenet_v2 torchvision": torchvisionNames, "mobilenet_v2 hf": hfNames, "mobilenet_v2 keras": kerasV2Names,
}

// TestAgreesWithPeers: the cases of testdata/make_peers.py, whose weights follow from a formula.
func TestAgreesWithPeers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "peers", "*.json"))
	if err != nil || len(files) < len(namesOf) {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	seen := map[string]bool{}
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
			key := p.Arch + " " + p.Variant
			seen[key] = true
			c := peerCase{config: config(t, p.Arch, p.Variant), names: namesOf[key], weights: map[string]peerArray{}, want: p.Values, probabilities: p.Output == "probabilities"}
			c.config.Width, c.config.Resolution, c.config.Classes = p.Width, p.Resolution, p.Classes
			for _, a := range p.Arrays {
				n := 1
				for _, d := range a.Shape {
					n *= d
				}
				c.weights[a.Name] = peerArray{formula(a.Name, n, a.Low, a.High), a.Shape}
			}
			c.images = formula("images", 2*3*p.Resolution*p.Resolution, -1.75, 1.75)
			c.check(t)
		})
	}
	for key := range namesOf {
		if !seen[key] {
			t.Errorf("no case of %s", key)
		}
	}
}

// TestAgreesWithPeersFiles: every folder of PARITY_DIR, with the weights in the peers' own formats.
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

// kindsOf maps the names of case.json to architectures; "" is one that the project lacks.
var kindsOf = map[string]string{
	"timm:v1": "mobilenet_v1 timm", "hf:v1": "mobilenet_v1 hf", "keras:v1": "mobilenet_v1 keras", "article": "mobilenet_v1 article",
	"timm:mobilenetv2": "mobilenet_v2 timm", "torchvision:mobilenet_v2": "mobilenet_v2 torchvision", "hf:v2": "mobilenet_v2 hf", "keras:v2": "mobilenet_v2 keras",
	"timm:mobilenetv3_small": "", "timm:mobilenetv4_conv_small": "", "torchvision:mobilenet_v3_small": "", "torchvision:mobilenet_v3_large": "",
	"optim": "",
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
	// The width follows the kind: torchvision:mobilenet_v2:0.35, timm:mobilenetv2_050. That of v1 follows from the weights.
	kind, width := p.Kind, 1.0
	if i := strings.LastIndex(kind, ":"); strings.Count(kind, ":") == 2 {
		width, err = strconv.ParseFloat(kind[i+1:], 64)
		kind = kind[:i]
	} else if i := strings.LastIndex(kind, "_"); strings.HasPrefix(kind, "timm:mobilenet") {
		width, err = strconv.ParseFloat(kind[i+1:], 64)
		width, kind = width/100, kind[:i]
	}
	if err != nil {
		t.Fatalf("kind %s: %v", p.Kind, err)
	}
	key, ok := kindsOf[kind]
	switch {
	case !ok:
		t.Fatalf("%s is of kind %q, which the test does not know", folder, p.Kind)
	case kind == "optim":
		t.Skip("holds no network: package optim reads it")
	case key == "":
		t.Skipf("no such architecture here: %s", p.Kind)
	}
	arch, variant, _ := strings.Cut(key, " ")
	c := peerCase{config: config(t, arch, variant), names: namesOf[key]}
	c.config.Width, c.config.Resolution, c.config.Classes = width, p.Resolution, 10
	c.readImages(t, folder)
	for _, file := range []string{"model.safetensors", "model.pth", "model.h5", "model.weights.h5", "model.keras"} {
		path := filepath.Join(folder, file)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		t.Run(file, func(t *testing.T) {
			c := c
			c.weights, c.names = readPeer(t, path, c.names)
			if arch == "mobilenet_v1" {
				g := graph(t, c.config)
				p := c.names(g, g.Layers[len(g.Layers)-1])
				c.config.Width = float64(len(c.weights[p.conv+".weight"].values)+len(c.weights[p.conv+"/kernel"].values)) / 10 / 1024
			}
			c.check(t)
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
	positions := c.config.Resolution * c.config.Resolution
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
		weights, input, logits string
	}{
		{"v1 of TF-slim", "mobilenet_v1", "hf", 1001, "mobilenet_v1_1.0_224/model.safetensors", "mobilenet_v1_1.0_224/input.npy", "mobilenet_v1_1.0_224/logits.npy"},
		{"v2 of torchvision", "mobilenet_v2", "torchvision", 1000, "mobilenet_v2-b0353104.pth", "mobilenet_v2_input.npy", "mobilenet_v2_logits.npy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := peerCase{config: config(t, tc.arch, tc.variant), names: namesOf[tc.arch+" "+tc.variant],
				images: readNPY(t, filepath.Join(root, tc.input)), want: readNPY(t, filepath.Join(root, tc.logits))}
			c.config.Classes = tc.classes
			c.weights, _ = readPeer(t, filepath.Join(root, tc.weights), nil)
			c.check(t)
		})
	}
}

// unzip copies a member of a zip file to a temporary one.
func unzip(t *testing.T, path, member string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	r, err := z.Open(member)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), member)
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}
