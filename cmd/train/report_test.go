package main

import (
	"encoding/json"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/classify"
	"depthwise.dev/report/page"
)

func content(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// figures are the key figures of a page by their names.
func figures(t *testing.T, text string) map[string]float64 {
	t.Helper()
	list := map[string]float64{}
	for _, m := range regexp.MustCompile(`<dt>([^<]*)</dt><dd><div class="figure" data-value="([^"]*)">`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(html.UnescapeString(m[2]), 64)
		if err != nil {
			t.Fatal(err)
		}
		list[m[1]] = v
	}
	return list
}

// TestReportOfARun: a run writes its report, whose numbers are those of train eval, and train report writes the same again.
func TestReportOfARun(t *testing.T) {
	data := pictures(t)
	run := trained(t, data)
	for _, name := range page.Files {
		if info, err := os.Stat(filepath.Join(run, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := content(t, run, page.File)
	var r classify.EvalResult
	decode(t, done(t, "eval", "--weights", run, "--data", data, "--json"), &r)
	got := figures(t, text)
	for name, want := range map[string]float64{"Best validation top-1": r.Top1, "Validation loss": r.Loss, "Balanced accuracy": r.BalancedAccuracy, "Calibration error": r.Calibration.ECE} {
		if v, ok := got[name]; !ok || math.Abs(v-want) > 1e-5 { // predictions.csv has six digits
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if strings.Contains(strings.ToLower(text), "top-5") {
		t.Error("the page has a top-5 accuracy of three classes")
	}
	for _, want := range []string{"2 of 2", "Training batch", "Layers after epoch 2", "conv_stem", "Least certain", "resume " + run + " --extend-epochs N"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var extra page.Extra
	if err := json.Unmarshal([]byte(content(t, run, page.ExtraFile)), &extra); err != nil {
		t.Fatal(err)
	}
	if len(extra.Unsure) != 6 || len(extra.Unsure[0].JPEG) == 0 || extra.Layers == nil || len(extra.Layers.List) != 28 || extra.Layers.List[0].Update == 0 || extra.Batch == nil {
		t.Errorf("%d images, layers %+v", len(extra.Unsure), extra.Layers)
	}
	before := map[string]string{}
	for _, name := range []string{page.File, "results.png", "results.svg", "confusion_matrix.png", "confusion_matrix.svg"} {
		before[name] = content(t, run, name)
		if err := os.Remove(filepath.Join(run, name)); err != nil {
			t.Fatal(err)
		}
	}
	done(t, "report", run)
	for name, want := range before {
		if content(t, run, name) != want {
			t.Errorf("train report writes another %s", name)
		}
	}
	other := filepath.Join(t.TempDir(), "page.html")
	if done(t, "report", filepath.Join(run, "checkpoints"), "--output", other); content(t, other) == "" {
		t.Error("no page")
	}
}

// TestReportChangesNothing: the run is the same bits without a report, and has none of its files.
func TestReportChangesNothing(t *testing.T) {
	data := pictures(t)
	with, without := filepath.Join(t.TempDir(), "with"), filepath.Join(t.TempDir(), "without")
	done(t, small(data, "--out", with, "--epochs", "2", "--threads", "1")...)
	done(t, small(data, "--out", without, "--epochs", "2", "--threads", "1", "--report=false")...)
	sameFile(t, filepath.Join(with, "best.safetensors"), filepath.Join(without, "best.safetensors"))
	sameFile(t, filepath.Join(with, "checkpoints/step-00000006.safetensors"), filepath.Join(without, "checkpoints/step-00000006.safetensors"))
	for _, name := range page.Files {
		if _, err := os.Lstat(filepath.Join(without, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	done(t, "report", without) // of what there is
	if text := content(t, without, page.File); !strings.Contains(text, "train eval with --predictions writes it") {
		t.Error("the page does not say how to get the predictions")
	}
	done(t, "eval", "--weights", without, "--data", data, "--predictions", filepath.Join(without, page.PredictionsFile))
	done(t, "report", without)
	if text := content(t, without, page.File); !strings.Contains(text, "Confusion matrix") {
		t.Error("the page has no confusion matrix")
	}
}

// TestReportAfterResume: the page of a resumed and extended run has all epochs and what was recorded before.
func TestReportAfterResume(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	done(t, small(pictures(t), "--out", run, "--threads", "1")...)
	batch := content(t, run, page.ExtraFile)
	done(t, "resume", run, "--extend-epochs", "2")
	text := content(t, run, page.File)
	for _, want := range []string{"3 of 3", `<th scope="row" data-value="1">`, `<th scope="row" data-value="3">`, "extended from 1 to 3 epochs", "Layers after epoch 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var a, b page.Extra
	if err := json.Unmarshal([]byte(batch), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(content(t, run, page.ExtraFile)), &b); err != nil || string(a.Batch.JPEG) != string(b.Batch.JPEG) {
		t.Errorf("another training batch: %v", err)
	}
}

// TestReportOfShards: images of shards are shown too.
func TestReportOfShards(t *testing.T) {
	dir, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	done(t, "data", "shard", pictures(t), dir, "--per-shard", "5")
	done(t, small(dir, "--out", run)...)
	extra, err := page.ReadExtra(run)
	if err != nil || len(extra.Unsure) != 6 {
		t.Fatalf("%d images: %v", len(extra.Unsure), err)
	}
	for _, x := range extra.Unsure {
		if len(x.JPEG) == 0 {
			t.Errorf("%s has no picture", x.Image)
		}
	}
}

// TestReportOfAFailedRun: the page says why.
func TestReportOfAFailedRun(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	code, _, _ := execute(t, small(pictures(t), "--out", run, "--lr", "1e30", "--schedule", "constant", "--warmup-epochs", "0", "--epochs", "3")...)
	if text := content(t, run, page.File); code != exitFailed || !strings.Contains(text, "The run failed") || !strings.Contains(text, "training has diverged") {
		t.Errorf("exit code %d", code)
	}
}

// TestReportFailureIsAWarning: a report that cannot be written does not end the run.
func TestReportFailureIsAWarning(t *testing.T) {
	data := pictures(t)
	for _, name := range []string{page.ExtraFile, page.File, page.PredictionsFile, "results.png"} {
		t.Run(name, func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			if err := os.MkdirAll(filepath.Join(run, name, "in the way"), 0o755); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := execute(t, small(data, "--out", run)...)
			if code != exitDone || strings.Count(stderr, "does not affect the run") != 1 || !strings.Contains(stderr, name) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if _, err := os.Stat(filepath.Join(run, "best.safetensors")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReportOfRuns compares runs.
func TestReportOfRuns(t *testing.T) {
	dir, top := pictures(t), t.TempDir()
	t.Chdir(top)
	done(t, small(dir, "--out", "runs/a", "--lr", "0.05")...)
	done(t, small(dir, "--out", "runs/b", "--lr", "0.02")...)
	done(t, "report", "runs/a", "runs/b")
	text := content(t, "comparison.html")
	for _, want := range []string{"Comparison of 2 runs", ">a</th>", ">b</th>", `<th scope="row">lr</th><td class="text">0.05</td><td class="text">0.02</td>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"report", "needs the folders of one or more runs"}, {"report runs", "contains some: name one or more of"}, {"report " + dir, "give the folder of a run"},
		{"report runs/a --output x.png", "the extension .png contradicts"}, {"report runs/a nothing", "not the folder of a run"},
	} {
		if code, _, stderr := execute(t, strings.Fields(c.args)...); code == exitDone || !strings.Contains(lastLine(stderr), c.want) {
			t.Errorf("train %s: exit code %d, %q", c.args, code, lastLine(stderr))
		}
	}
}
