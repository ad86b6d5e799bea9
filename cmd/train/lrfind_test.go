package main

import (
	"encoding/json"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/train"
	"depthwise.dev/tune"
)

// TestLRFind: what is printed, the files, and nothing else; the command that it names trains.
func TestLRFind(t *testing.T) {
	dir := testset.Images(t, 6, 2)
	t.Chdir(t.TempDir())
	args := []string{"lr-find", "--data", dir, "--width", "0.25", "--resolution", "32", "--batch-size", "8", "--threads", "1", "--device", "cpu", "--precision", "fp32",
		"--epochs", "1", "--recipe", "none", "--steps", "60", "--from", "1e-4", "--to", "100"}
	code, stdout, stderr := execute(t, append(args, "--output", "a.csv", "--plot", "a.svg")...)
	if code != exitDone || !strings.Contains(stdout, "suggested learning rate: ") || !strings.Contains(stdout, "learning rate, logarithmic") {
		t.Fatalf("code %d:\n%s%s", code, stdout, stderr)
	}
	for _, line := range strings.Split(stdout, "\n") {
		if len(line) > 80 && strings.HasPrefix(line, "     ") {
			t.Errorf("a line of the chart has %d columns: %s", len(line), line)
		}
	}
	code, stdout, stderr = execute(t, append(args, "--json", "--output", "b.json", "--plot", "b.png")...)
	if code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var printed, written struct {
		Points     []tune.Point
		Suggestion struct {
			LR             float64
			Method, Reason string
		}
		Command   string
		BatchSize int `json:"batch_size"`
	}
	for text, to := range map[string]any{stdout: &printed, string(testset.Contents(t, "b.json")): &written} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	if printed.Suggestion != written.Suggestion || printed.Suggestion.LR <= 0 || printed.Suggestion.Method == "" || printed.BatchSize != 8 || len(written.Points) != len(printed.Points) {
		t.Errorf("printed %+v, written %+v", printed, written)
	}
	if lines := strings.Split(strings.TrimSpace(string(testset.Contents(t, "a.csv"))), "\n"); lines[0] != "step,lr,loss,smoothed" || len(lines) != 1+len(printed.Points) {
		t.Errorf("%d lines of CSV, %d points: %s", len(lines), len(printed.Points), lines[0])
	}
	if svg := string(testset.Contents(t, "a.svg")); !strings.Contains(svg, "suggested: ") {
		t.Error("the SVG file has no mark of the suggestion")
	}
	file, err := os.Open("b.png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, _, err := image.Decode(file); err != nil {
		t.Error(err)
	}
	if found, err := filepath.Glob("*"); err != nil || len(found) != 4 {
		t.Errorf("files %q, error %v; want the four", found, err)
	}
	_, flags, _ := strings.Cut(printed.Command, "go run ./cmd/train ")
	if code, _, stderr := execute(t, append(strings.Fields(flags), "--out", "run", "--progress", "none")...); code != exitDone {
		t.Errorf("%s: code %d: %s", printed.Command, code, stderr)
	}
}

// TestPlotText: a known curve in characters.
func TestPlotText(t *testing.T) {
	c := tune.Curve{Range: tune.Range{From: 0.01, To: 1, Steps: 3}}
	for _, loss := range []float64{3, 2, 4} {
		c.Add(loss)
	}
	text := plotText(c, &tune.Suggestion{LR: 0.1})
	lines := strings.Split(text, "\n")
	if len(lines) != plotRows+3 || strings.Count(text, "*") != 3 || !strings.Contains(lines[1], "|") || !strings.Contains(lines[plotRows], "0.01") || !strings.HasSuffix(lines[plotRows], " 1") {
		t.Errorf("\n%s", text)
	}
	if plotText(tune.Curve{}, nil) != "" {
		t.Error("a chart of nothing")
	}
	flat := tune.Curve{Points: []tune.Point{{LR: 0.01, Smoothed: 2}, {LR: 1, Smoothed: 2}}}
	if !strings.Contains(plotText(flat, nil), "*") {
		t.Error("a flat curve has no points")
	}
}

// TestRuleOfLRFind: text, JSON and chart say which rule the suggestion follows.
func TestRuleOfLRFind(t *testing.T) {
	for _, c := range []struct {
		name       string
		pretrained bool
		part       string
	}{{"from initial weights", false, "a third of"}, {"from pretrained weights", true, "a tenth of"}} {
		curve := tune.Curve{Range: tune.Range{From: 1e-4, To: 1, Steps: 100}, Pretrained: c.pretrained}
		for i := range 90 {
			curve.Add(3 - 0.02*float64(min(i, 70)) + 0.2*float64(max(i-70, 0)))
		}
		s, err := curve.Suggest()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		r := newLRResult(train.LRTest{Config: config.Config{LR: 0.01}, Curve: curve})
		r.Suggestion = &s
		if text := r.text(); !strings.Contains(text, "  "+c.part+" "+number(s.Edge)) || !strings.Contains(text, strings.TrimPrefix(c.name, "from ")) {
			t.Errorf("%s:\n%s", c.name, text)
		}
		text, err := r.encode(".json")
		if err != nil {
			t.Fatal(err)
		}
		var written struct {
			Pretrained bool
			Suggestion struct{ Method string }
		}
		if err := json.Unmarshal(text, &written); err != nil || written.Pretrained != c.pretrained || written.Suggestion.Method != c.part+" the highest stable rate" {
			t.Errorf("%s: %+v, error %v", c.name, written, err)
		}
		svg, err := r.draw(".svg")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.part + " the highest stable rate", "suggested: " + number(s.LR), "edge: " + number(s.Edge)} {
			if !strings.Contains(string(svg), want) {
				t.Errorf("%s: the chart lacks %q", c.name, want)
			}
		}
	}
}
