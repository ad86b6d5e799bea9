package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMultiLabelLines: mAP takes the place of top-1 in the lines of an epoch, of a step and of the end.
func TestMultiLabelLines(t *testing.T) {
	e := Epoch{Epoch: 2, Epochs: 3, Step: 20, TrainLoss: 0.25, TrainTop1: 0.5, ValLoss: 0.3, ValTop1: 0.4, ValMAP: 0.875, ValImages: 10, Seconds: 4,
		Averaged: true, EMAValLoss: 0.31, EMAValTop1: 0.3, EMAValMAP: 0.75}
	line := lines(e)[0]
	for _, want := range []string{"exact 50.0 %", "val mAP 87.5 %", "val exact 40.0 %", "ema mAP 75.0 %"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	if strings.Contains(line, "top-") {
		t.Errorf("%q", line)
	}
	if line := lines(Done{BestMAP: 0.875, BestTop1: 0.4, Status: Finished})[0]; !strings.Contains(line, "best val mAP 87.5 %") || strings.Contains(line, "top-1") {
		t.Errorf("%q", line)
	}
	tracker := &tracker{}
	tracker.start(Start{MultiLabel: true})
	if got := join(figures(tracker)); !strings.Contains(got, "exact ") || strings.Contains(got, "top-1") {
		t.Errorf("%q", got)
	}
}

// TestCSVWithFurtherColumns: a run with other measures has columns for them at the end, which a resume keeps.
func TestCSVWithFurtherColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	further := []string{ColumnMAP, ColumnEMAMAP}
	for i := range 2 {
		r, err := OpenCSVWith(path, Position{Step: int64(i), Epochs: i}, further)
		if err != nil {
			t.Fatal(err)
		}
		e := Epoch{Epoch: i + 1, Step: int64(i + 1), ValImages: 3, ValMAP: 0.5, EMAValMAP: 0.25, Averaged: i == 1}
		if err := r.Record(e); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	rows := strings.Split(string(text), "\n")
	if err != nil || len(rows) != 4 || !strings.HasSuffix(rows[0], ",best,val_map,ema_val_map") || !strings.HasSuffix(rows[1], ",0,0.5,") || !strings.HasSuffix(rows[2], ",0,0.5,0.25") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := OpenCSV(path, Position{Step: 1, Epochs: 1}); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("other columns: error %v", err)
	}
}
