package page

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/metrics"
	"depthwise.dev/report/history"
)

// TestGather: what is written is read back, and what cannot be read is a problem and no error.
func TestGather(t *testing.T) {
	dir, want := t.TempDir(), sample(t, 3, 2)
	var predictions bytes.Buffer
	if err := metrics.WritePredictions(&predictions, want.Predictions); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("config.yaml", "# go1.26\n# this run: threads 2\ndata: photos\n# a comment of the user\nlr: 0.1\n")
	write(PredictionsFile, predictions.String())
	if err := WriteExtra(dir, 0o600, want.Extra); err != nil {
		t.Fatal(err)
	}
	d := Gather(dir, want.History)
	if len(d.Problems) > 0 || !reflect.DeepEqual(d.Extra, want.Extra) || !reflect.DeepEqual(d.Predictions, want.Predictions) || d.State != "finished" {
		t.Errorf("state %s, problems %q, predictions or report.json differ", d.State, d.Problems)
	}
	if !reflect.DeepEqual(d.Machine, []string{"go1.26", "this run: threads 2"}) || !strings.HasPrefix(d.Settings, "data: photos\n# a comment") {
		t.Errorf("machine %q, settings %q", d.Machine, d.Settings)
	}
	write(ExtraFile, "{")
	write(PredictionsFile, "image\n")
	if err := os.Remove(filepath.Join(dir, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	d = Gather(dir, &history.History{})
	text := strings.Join(d.Problems, "\n")
	for _, want := range []string{"config.yaml", "report.json", "predictions.csv"} {
		if !strings.Contains(text, want) {
			t.Errorf("the problems lack %s: %s", want, text)
		}
	}
	render(t, d)
	if d := Gather(t.TempDir(), &history.History{}); len(d.Problems) != 1 {
		t.Errorf("of an empty folder %q", d.Problems)
	}
}

func TestChoose(t *testing.T) {
	var list []metrics.Prediction
	for i := range 40 {
		list = append(list, metrics.Prediction{Rank: 1 + i%2, Loss: float64(i), Confidence: float64((i * 7) % 40)})
	}
	worst, unsure := Choose(list)
	if len(worst) != Examples || worst[0] != 39 || worst[1] != 37 || len(unsure) != Examples || unsure[0] != 0 || list[unsure[1]].Confidence != 1 {
		t.Errorf("worst %v, unsure %v", worst, unsure)
	}
	if worst, unsure := Choose(list[:1]); worst != nil && len(worst) > 0 || len(unsure) != 1 {
		t.Errorf("of one image %v, %v", worst, unsure)
	}
}

func FuzzReadExtra(f *testing.F) {
	f.Add([]byte(`{"classes":["a"],"layers":{"epoch":1,"list":[{"name":"x","norm":1}]},"worst":[{"image":"i","jpeg":"AAAA"}]}`))
	f.Add([]byte(`{"network":{"layers":[{"output":[1]}]},"batch":{"jpeg":"AA=="}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ExtraFile), text, 0o644); err != nil {
			t.Fatal(err)
		}
		render(t, Gather(dir, &history.History{}))
	})
}
