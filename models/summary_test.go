package models_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/models"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// The printed form is part of what users see; the counts in it are checked against published ones in package mobilenet.
func TestSummaryPrints(t *testing.T) {
	small := config(t, "mobilenet_v1", "paper", 0.25)
	small.Resolution, small.Classes, small.Dropout = 33, 10, 0.001
	for name, g := range map[string]*models.Graph{
		"article": graph(t, config(t, "mobilenet_v1", "article", 1)),
		"small":   graph(t, small),
		"v2":      graph(t, config(t, "mobilenet_v2", "torchvision", 1)),
		"built":   built(t),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "summary_"+name+".txt")
			got := g.Summary().String()
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

// built is a graph with layers that no MobileNet has.
func built(t *testing.T) *models.Graph {
	t.Helper()
	x := models.Input(models.Shape{Channels: 1, Height: 28, Width: 28}).Conv(models.Conv{Out: 8, Kernel: 3, Bias: true})
	y := x.BatchNorm(models.BatchNorm{}).ReLU().Add(x).ReLU6().MaxPool(models.Pool{Kernel: 2})
	g, err := models.Build("digits", y.Flatten().Dropout(0.5).Linear(models.Linear{Out: 10}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSummaryRowsAddUp(t *testing.T) {
	article := config(t, "mobilenet_v1", "article", 1)
	article.Dropout = 0.5
	for name, g := range map[string]*models.Graph{"article": graph(t, article), "v2": graph(t, config(t, "mobilenet_v2", "", 0.5)), "built": built(t)} {
		sum := g.Summary()
		var params, multiplyAdds, arrays int64
		for _, r := range sum.Rows {
			params += r.Params
			multiplyAdds += r.MultiplyAdds
		}
		for _, a := range g.Arrays() {
			arrays += int64(a.Size())
		}
		if params != sum.Params || arrays != params || params != sum.Trainable+sum.NonTrainable || multiplyAdds != sum.MultiplyAdds {
			t.Errorf("%s: rows hold %d parameters and %d multiply-adds, arrays %d, totals are %+v", name, params, multiplyAdds, arrays, sum)
		}
	}
}

func TestSummaryJSON(t *testing.T) {
	text, err := json.Marshal(graph(t, config(t, "mobilenet_v1", "paper", 1)).Summary())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Model        string       `json:"model"`
		Input        models.Shape `json:"input"`
		Classes      int          `json:"classes"`
		Params       int64        `json:"params"`
		MultiplyAdds int64        `json:"multiply_adds"`
		Layers       []struct {
			Name   string `json:"name"`
			Output []int  `json:"output"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	last := got.Layers[len(got.Layers)-1]
	if got.Params != 4_253_864 || got.MultiplyAdds != 568_740_352 || last.Name != "classifier" || last.Output[0] != 1000 ||
		got.Model != "mobilenet_v1 paper, width 1" || got.Input != (models.Shape{Channels: 3, Height: 224, Width: 224}) || got.Classes != 1000 {
		t.Errorf("got %+v", got)
	}
}

// Counts are grouped by thousands.
func TestSummaryGroupsDigits(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 4253864: "4,253,864"} {
		text := models.Summary{Params: n}.String()
		if !strings.Contains(text, "\nTotal params: "+want+"\n") {
			t.Errorf("%d: %s", n, text)
		}
	}
}

// The article's network, written out in Example, is the variant "article": the same shapes, counts and operations.
func TestArticleIsTheVariant(t *testing.T) {
	input := models.Input(models.Shape{Channels: 3, Height: 224, Width: 224})
	written, err := models.Build("", backbone(input).GlobalAvgPool().Linear(models.Linear{Out: 1000}))
	if err != nil {
		t.Fatal(err)
	}
	variant := graph(t, config(t, "mobilenet_v1", "article", 1))
	if len(written.Layers) != len(variant.Layers) {
		t.Fatalf("%d layers, want %d", len(written.Layers), len(variant.Layers))
	}
	for i, got := range written.Layers {
		want := variant.Layers[i]
		if got.Norm != nil && (got.Norm.Eps != want.Norm.Eps || got.Norm.Momentum != want.Norm.Momentum || got.Activation.Function != want.Activation.Function) {
			t.Errorf("%s: norm %+v, want %+v", want.Name, got.Norm, want.Norm)
		}
		if got.Kernel == 1 {
			got.Padding = want.Padding // a 1x1 window needs none
		}
		got.Name, got.Inputs, got.Norm, got.Activation = want.Name, want.Inputs, want.Norm, want.Activation
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

// docs/from-scratch.md shows the code of Example and its output.
func TestFromScratchShowsTheExample(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "from-scratch.md"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	source := string(code)
	block := source[strings.Index(source, "func mobilenetBlock"):strings.Index(source, "// backbone is")]
	if !strings.Contains(string(page), strings.TrimSpace(block)) {
		t.Errorf("the page does not show\n%s", block)
	}
	if totals := graph(t, config(t, "mobilenet_v1", "article", 1)).Summary().Totals(); !strings.Contains(string(page), totals) {
		t.Errorf("the page does not show\n%s", totals)
	}
	for _, line := range strings.Split(source, "\n") {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " //")
		if strings.Contains(line, "mobilenetBlock(x, ") && !strings.Contains(line, "return") && !strings.Contains(string(page), line) {
			t.Errorf("the page does not show %s", line)
		}
	}
}
