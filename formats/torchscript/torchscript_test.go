package torchscript

import (
	"archive/zip"
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

var update = flag.Bool("update", false, "write the code in testdata")

// everyKind has each kind of layers, all paddings, and names that are no identifiers.
func everyKind(t *testing.T) weights.Weights {
	t.Helper()
	relu, relu6 := &models.Activation{Name: "r", Function: models.ReLU}, &models.Activation{Name: "r6", Function: models.ReLU6}
	norm := func(name string) *models.Norm { return &models.Norm{Name: name, Eps: 1e-3, Momentum: 0.1} }
	conv := models.KindConv
	g, err := models.NewGraph("every kind", models.Shape{Channels: 3, Height: 13, Width: 10}, []models.Layer{
		{Kind: conv, Name: "größe 1", Inputs: []string{models.InputName}, Out: 4, Kernel: 3, Stride: 2, Groups: 1, Padding: models.Same, Bias: true, Norm: norm("größe 2"), Activation: relu6},
		{Kind: conv, Name: "größe_1", Inputs: []string{"größe 1"}, Out: 4, Kernel: 3, Stride: 1, Groups: 4, Padding: models.Symmetric},
		{Kind: conv, Name: "7x7", Inputs: []string{"größe_1"}, Out: 4, Kernel: 2, Stride: 1, Groups: 2, Padding: models.BottomRight, Bias: true},
		{Kind: models.KindMaxPool, Name: "self", Inputs: []string{"7x7"}, Kernel: 2, Stride: 1, Padding: models.Same},
		{Kind: models.KindAdd, Name: "__", Inputs: []string{"self", "größe_1"}, Activation: relu},
		{Kind: models.KindBatchNorm, Name: "a.b/c", Inputs: []string{"__"}, Norm: norm("a.b/c")},
		{Kind: models.KindMaxPool, Name: "a b c", Inputs: []string{"a.b/c"}, Kernel: 3, Stride: 1, Padding: models.Symmetric, Activation: relu6},
		{Kind: models.KindDropout, Name: "drop", Inputs: []string{"a b c"}, Rate: 0.5},
		{Kind: conv, Name: "valid", Inputs: []string{"drop"}, Out: 2, Kernel: 2, Stride: 1, Groups: 1, Padding: models.Valid},
		{Kind: models.KindFlatten, Name: "flatten", Inputs: []string{"valid"}},
		{Kind: models.KindLinear, Name: "return", Inputs: []string{"flatten"}, Out: 3},
		{Kind: models.KindActivation, Name: "act", Inputs: []string{"return"}, Activation: relu},
		{Kind: models.KindLinear, Name: "'; x = \"\n", Inputs: []string{"act"}, Out: 2, Bias: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := weightstest.OfGraph(t, g, "a", "b")
	w.Preprocess.Std = [3]float64{0.5, 0.5, 0.25}
	return w
}

// members writes a network and returns the content of the archive by the names of its members.
func members(t *testing.T, w weights.Weights, d deploy.Options, o Options) map[string]string {
	t.Helper()
	n, err := deploy.New(w, d)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, n, o); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]string{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		result[m.Name] = string(content)
	}
	return result
}

// TestCode compares the code with that in testdata, which PyTorch 2.15 loads and runs; TestTorchScript of package autograd runs it.
func TestCode(t *testing.T) {
	for _, c := range []struct {
		name string
		d    deploy.Options
		o    Options
	}{
		{"folded", deploy.Options{}, Options{}},
		{"kept", deploy.Options{KeepBatchNorm: true}, Options{}},
		{"uint8", deploy.Options{}, Options{Uint8Input: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := members(t, everyKind(t), c.d, c.o)["archive/code/__torch__.py"]
			file := filepath.Join("testdata", c.name+".py")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestIdentifiers: whatever the layers are called, the names in the code are Python's, unique, and not those of statements.
func TestIdentifiers(t *testing.T) {
	code := members(t, everyKind(t), deploy.Options{KeepBatchNorm: true}, Options{})["archive/code/__torch__.py"]
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +(\S+) (?::|=) `).FindAllStringSubmatch(code, -1) {
		name := m[1]
		if seen[name] || !regexp.MustCompile(`^(__parameters__|__buffers__|_is_full_backward_hook|[A-Za-z][A-Za-z0-9_]*)$`).MatchString(name) {
			t.Errorf("identifier %q, used before: %v", name, seen[name])
		}
		seen[name] = true
	}
	if len(seen) < 30 {
		t.Errorf("%d identifiers", len(seen))
	}
}

// TestMembers: what torch.jit.load needs, and the extra file.
func TestMembers(t *testing.T) {
	got := members(t, weightstest.New(t), deploy.Options{}, Options{Metadata: []byte("{}")})
	for name, want := range map[string]string{"archive/version": "3\n", "archive/byteorder": "little", "archive/constants.pkl": "\x80\x02).", "archive/extra/metadata.json": "{}"} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["archive/data.pkl"], "\x80\x02c__torch__\nNetwork\n)\x81}(") {
		t.Errorf("objects %.40q", got["archive/data.pkl"])
	}
}

// TestUint8Refuses: networks that cannot take pixels.
func TestUint8Refuses(t *testing.T) {
	g, err := models.Build("gray", models.Input(models.Shape{Channels: 1, Height: 8, Width: 8}).GlobalAvgPool().Linear(models.Linear{Out: 2}))
	if err != nil {
		t.Fatal(err)
	}
	n, err := deploy.New(weightstest.OfGraph(t, g, "a", "b"), deploy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n.Preprocess = data.Preprocess{Resolution: 8, Std: [3]float64{1, 1, 1}}
	if err := Write(io.Discard, n, Options{Uint8Input: true}); err == nil || !strings.Contains(err.Error(), "3 channels") {
		t.Errorf("error %v", err)
	}
	n.Input.Channels, n.Preprocess.Std = 3, [3]float64{}
	if err := Write(io.Discard, n, Options{Uint8Input: true}); err == nil || !strings.Contains(err.Error(), "std [0 0 0]") {
		t.Errorf("deviations of 0: error %v", err)
	}
	if err := Write(io.Discard, n, Options{}); err != nil {
		t.Error(err)
	}
}
