package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAbsent: what was not computed is in no file, and what was computed is, also where it is 0.
func TestAbsent(t *testing.T) {
	for _, c := range []struct {
		name          string
		epoch         Epoch
		present, gone string // fields
	}{
		{"no validation", Epoch{}, "train_loss val_images", "val_loss val_top1 val_top5 val_map ema_val_loss ema_val_top1 ema_val_top5 swa_epochs swa_val_loss"},
		{"a validation without a hit", Epoch{ValImages: 3}, "val_loss val_top1 val_top5", "val_map ema_val_loss ema_val_map swa_epochs swa_val_top1"},
		{"with a moving average", Epoch{ValImages: 3, Averaged: true}, "val_top1 ema_val_loss ema_val_top1 ema_val_top5", "ema_val_map swa_val_loss"},
		{"with the average of the last epochs, without a hit", Epoch{ValImages: 3, SWAEpochs: 2}, "swa_epochs swa_val_loss swa_val_top1 swa_val_top5", "ema_val_loss swa_val_map"},
		{"multi-label", Epoch{ValImages: 3, ValMAP: 0.5}, "val_loss val_top1 val_map", "val_top5 ema_val_map ema_val_top5 swa_val_map"},
		{"multi-label with averages", Epoch{ValImages: 3, ValMAP: 0.5, Averaged: true, SWAEpochs: 1}, "val_map ema_val_map swa_val_map ema_val_top1 swa_val_top1", "val_top5 ema_val_top5 swa_val_top5"},
	} {
		line, err := Line(c.epoch)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range strings.Fields(c.present) {
			if !strings.Contains(string(line), `"`+field+`":`) {
				t.Errorf("%s: %s lacks %s", c.name, line, field)
			}
		}
		for _, field := range strings.Fields(c.gone) {
			if strings.Contains(string(line), `"`+field+`":`) {
				t.Errorf("%s: %s has %s", c.name, line, field)
			}
		}
	}
	for _, e := range []Event{Start{}, Done{}} {
		if line, err := Line(e); err != nil || strings.Contains(string(line), `"steps"`) || strings.Contains(string(line), "best_top1") {
			t.Errorf("%s, %v", line, err)
		}
	}
}

// swaColumns are those of a run with --swa-epochs.
var swaColumns = []string{ColumnSWAEpochs, ColumnSWALoss, ColumnSWATop1, ColumnSWATop5}

// TestCSVOfSWA: the row of the last epoch has the validation of the average; a resumed run whose file an earlier version began keeps
// its columns. Top-5 accuracies of multi-label data are empty.
func TestCSVOfSWA(t *testing.T) {
	first, last := Epoch{Epoch: 1, Step: 5, ValImages: 3}, Epoch{Epoch: 2, Step: 10, ValImages: 3, SWAEpochs: 1, SWAValLoss: 1.5, SWAValTop1: 0.5, SWAValTop5: 0.75}
	for _, c := range []struct {
		name    string
		began   []string // the columns of the first process
		header  string
		lastRow string
		resumed bool
	}{
		{"one process", swaColumns, "best,swa_epochs,swa_val_loss,swa_val_top1,swa_val_top5", ",0,1,1.5,0.5,0.75", false},
		{"two processes", swaColumns, "best,swa_epochs,swa_val_loss,swa_val_top1,swa_val_top5", ",0,1,1.5,0.5,0.75", true},
		{"begun by an earlier version", nil, "skipped,best", ",3,0,0", true},
	} {
		path := filepath.Join(t.TempDir(), "metrics.csv")
		record := func(from Position, columns []string, list ...Event) {
			r, err := OpenCSVWith(path, from, columns)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for _, e := range list {
				if err := r.Record(e); err != nil {
					t.Fatal(err)
				}
			}
			r.Close()
		}
		if c.resumed {
			record(Position{}, c.began, first, last) // and killed: the last row is written again
			record(Position{Step: 5, Epochs: 1}, swaColumns, last)
		} else {
			record(Position{}, c.began, first, last)
		}
		text, err := os.ReadFile(path)
		rows := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if err != nil || len(rows) != 3 || !strings.HasSuffix(rows[0], c.header) || !strings.HasSuffix(rows[2], c.lastRow) {
			t.Errorf("%s: %v\n%s", c.name, err, text)
		}
	}
	if row := csvRow(Epoch{ValImages: 3, ValMAP: 0.5, Averaged: true, EMAValMAP: 0.5}); row[slices.Index(csvColumns, "val_top5")] != "" || row[slices.Index(csvColumns, "ema_val_top5")] != "" {
		t.Errorf("top-5 of multi-label data: %q", row)
	}
}

// TestTrivialTop5: a top-5 accuracy of up to five classes, which is 1, is not shown; the average of the last epochs is, by its name.
func TestTrivialTop5(t *testing.T) {
	e := Epoch{Epoch: 1, Epochs: 1, Step: 5, ValImages: 3, ValTop1: 0.25, ValTop5: 1, Averaged: true, EMAValTop1: 0.5, EMAValTop5: 1, SWAEpochs: 2, SWAValTop1: 0.75, SWAValTop5: 1}
	multi := Epoch{Epoch: 1, Epochs: 1, Step: 5, ValImages: 3, ValTop1: 0.25, ValMAP: 0.5, SWAEpochs: 2, SWAValTop1: 0.75, SWAValMAP: 0.625}
	for _, c := range []struct {
		name  string
		epoch Epoch
		run   Start
		top5  bool
		swa   string
	}{
		{"five classes", e, Start{Classes: 5}, false, "swa loss 0.0000  swa top-1 75.0 %"},
		{"six classes", e, Start{Classes: 6}, true, "swa loss 0.0000  swa top-1 75.0 %"},
		{"an older run", e, Start{}, true, "swa loss 0.0000  swa top-1 75.0 %"},
		{"multi-label", multi, Start{Classes: 9, MultiLabel: true}, false, "swa loss 0.0000  swa mAP 62.5 %  swa exact 75.0 %"},
	} {
		plain := join(epochFields(c.epoch, c.run))
		rows := strings.Join((&table{}).add(c.epoch, c.run, 200), "\n")
		for kind, text := range map[string]string{"plain": plain, "table": rows} {
			if strings.Contains(text, "top-5") != c.top5 || !strings.Contains(text, c.swa) {
				t.Errorf("%s, %s: %s", c.name, kind, text)
			}
		}
	}
	for _, line := range (&table{}).add(e, Start{Classes: 5}, 40) {
		if len(line) > 39 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}
