package history

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/report"
)

// write records events as a run does.
func write(t *testing.T, path string, from report.Position, events ...report.Event) {
	t.Helper()
	r, err := report.OpenJSONL(path, from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := r.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func steps(from, to int) (list []report.Event) {
	for i := from; i <= to; i++ {
		list = append(list, report.Step{Step: int64(i), Epoch: 1 + (i-1)/10, Batch: 1 + (i-1)%10, Batches: 10, Loss: float64(i), LR: 0.1, Top1: 0.5, ImagesPerSecond: 100, Images: 8})
	}
	return list
}

func TestReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	r := NewReader(path)
	if h, err := r.Update(); err != nil || len(h.Epochs) != 0 {
		t.Fatalf("without a file: %+v, %v", h, err)
	}
	first := append([]report.Event{report.Start{Run: "r", Images: 80, Epochs: 3, Steps: 30}}, steps(1, 10)...)
	first = append(first, report.Epoch{Epoch: 1, Step: 10, TrainLoss: 2, ValTop1: 0.5, ValImages: 8, Best: true}, report.Checkpoint{Step: 10, Path: "c"},
		report.Note{Level: report.Warning, Text: "w"}, report.Note{Level: report.Warning, Text: "w"}, report.Skip{Path: "x", Reason: "why"})
	write(t, path, report.Position{}, first...)
	h, err := r.Update()
	if err != nil || len(h.Epochs) != 1 || h.Best().Epoch != 1 || len(h.Steps.All()) != 10 || h.LastStep != 10 || len(h.Notes) != 1 || h.Skipped != 1 || h.Checkpoint.Step != 10 || h.Done != nil {
		t.Fatalf("%+v, %v", h, err)
	}
	if p := h.Steps.All()[4]; p.Epoch != 0.5 || p.Loss != 5 || p.ImagesPerSecond != 100 {
		t.Errorf("the fifth step is %+v", p)
	}

	// A torn line is read when it is whole, and a resume drops what comes after its checkpoint.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"event":"step","step":11,"epo`)
	f.Close()
	if h, err = r.Update(); err != nil || h.LastStep != 10 {
		t.Errorf("a torn line: %+v, %v", h.LastStep, err)
	}
	write(t, path, report.Position{Step: 10, Epochs: 1}, append([]report.Event{report.Start{Run: "r", Images: 80, Epochs: 3, Step: 10, Steps: 30}}, steps(11, 20)...)...)
	write(t, path, report.Position{Step: 20, Epochs: 1}, report.Epoch{Epoch: 2, Step: 20, ValTop1: 0.4, ValImages: 8}, report.Done{Step: 20, Status: report.Interrupted})
	h, err = r.Update()
	whole, errWhole := Read(path)
	if err != nil || errWhole != nil || h.LastStep != 20 || len(h.Epochs) != 2 || h.Best().Epoch != 1 || h.Done.Status != report.Interrupted || !reflect.DeepEqual(h.Resumes, []int64{10}) {
		t.Errorf("after the resume: %+v, %v, %v", h, err, errWhole)
	}
	if !reflect.DeepEqual(h, whole) {
		t.Errorf("in parts %+v\nas a whole %+v", h, whole)
	}
}

// TestControls: what was done on request, with its place in the epochs, and bounded.
func TestControls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	list := append(steps(1, 15), report.Control{Step: 15, Action: report.ControlLR, LRFactor: 0.5, LR: 0.05, LRBefore: 0.1})
	for range 2 * maxControls {
		list = append(list, report.Control{Step: 15, Action: report.ControlPause})
	}
	write(t, path, report.Position{}, list...)
	h, err := Read(path)
	if err != nil || len(h.Controls) != maxControls || h.Controls[0].Epoch != 1.5 || h.Controls[0].LRFactor != 0.5 || h.Controls[0].Step != 15 {
		t.Errorf("%+v, %v", h.Controls[0], err)
	}
}

// TestNull: numbers that JSON lacks.
func TestNull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, path, report.Position{}, report.Step{Step: 1, Epoch: 1, Batch: 1, Batches: 1, Loss: math.NaN(), ImagesPerSecond: math.Inf(1)},
		report.Epoch{Epoch: 1, Step: 1, ValLoss: math.Inf(1), TrainLoss: 3, ValImages: 1, SWAEpochs: 2, SWAValLoss: math.NaN()})
	h, err := Read(path)
	if err != nil || !math.IsNaN(h.Steps.All()[0].Loss) || !math.IsNaN(h.Epochs[0].ValLoss) || !math.IsNaN(h.Epochs[0].SWAValLoss) || h.Epochs[0].TrainLoss != 3 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := Read(path + "x"); err == nil {
		t.Error("no error for a missing file")
	}
}

// TestSeries: many steps become few points with the same means, in order.
func TestSeries(t *testing.T) {
	const n = 100_003
	var s Series
	sum := 0.0
	for i := range n {
		s.add(report.Step{Step: int64(i + 1), Epoch: 1 + i/1000, Batch: 1 + i%1000, Batches: 1000, Loss: float64(i % 7)})
		sum += float64(i % 7)
	}
	points := s.All()
	if len(points) > 2*maxPoints+1 || len(points) < maxPoints {
		t.Fatalf("%d points", len(points))
	}
	total := 0.0
	for i, p := range points[:len(points)-1] {
		total += p.Loss * float64(s.each)
		if i > 0 && p.Epoch <= points[i-1].Epoch {
			t.Fatalf("point %d is at %v, the one before at %v", i, p.Epoch, points[i-1].Epoch)
		}
	}
	last := points[len(points)-1]
	total += last.Loss * float64(s.steps)
	if math.Abs(total-sum) > 1e-6*sum || last.Epoch < 99 {
		t.Errorf("the sum is %v, want %v; the last point %+v", total, sum, last)
	}
}

func FuzzReader(f *testing.F) {
	f.Add("{\"event\":\"step\",\"step\":1,\"loss\":null}\n{\"event\":\"epoch\",\"epoch\":1,\"best\":true}\n", 20)
	f.Add("\n\n{}\n{\"event\":3}\n", 1)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		path := filepath.Join(t.TempDir(), "events.jsonl")
		cut = max(0, min(cut, len(text)))
		if err := os.WriteFile(path, []byte(text[:cut]), 0o644); err != nil {
			t.Fatal(err)
		}
		r := NewReader(path)
		if _, err := r.Update(); err != nil {
			t.Fatal(err)
		}
		g, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(g, text[cut:])
		g.Close()
		h, err := r.Update()
		whole, errWhole := Read(path)
		if err != nil || errWhole != nil || len(h.Epochs) != len(whole.Epochs) || h.LastStep != whole.LastStep || h.Skipped != whole.Skipped {
			t.Fatalf("%v, %v: %+v, %+v", err, errWhole, h, whole)
		}
		if lines := strings.Count(text, "\n"); len(h.Epochs) > lines {
			t.Fatalf("%d epochs of %d lines", len(h.Epochs), lines)
		}
	})
}
