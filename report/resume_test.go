package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestJSONLResume(t *testing.T) {
	step := func(n int) string { return fmt.Sprintf(`{"event":"step","step":%d}`, n) + "\n" }
	const note = `{"event":"note","level":"info","text":"x"}` + "\n"
	epoch := `{"event":"epoch","epoch":1,"step":2}` + "\n"
	change := func(n int) string {
		return fmt.Sprintf(`{"event":"control","step":%d,"action":"lr","lr_factor":0.5}`, n) + "\n"
	}
	saved := func(n int) string { return fmt.Sprintf(`{"event":"checkpoint","step":%d}`, n) + "\n" }
	const pause = `{"event":"control","step":2,"action":"pause"}` + "\n"
	tests := []struct {
		name   string
		file   string
		resume int64
		want   string
	}{
		{"nothing to drop", step(1) + step(2), 2, step(1) + step(2)},
		{"after the checkpoint", step(1) + step(2) + step(3) + step(4), 2, step(1) + step(2)},
		{"an event of the same step", step(1) + step(2) + epoch + step(3), 2, step(1) + step(2) + epoch},
		{"a truncated last line", step(1) + step(2) + `{"event":"st`, 2, step(1) + step(2)},
		{"truncated within a number", step(1) + `{"event":"step","step":2`, 25, step(1)},
		{"truncated before the line end", step(1) + strings.TrimSpace(step(2)), 2, step(1)},
		{"only a truncated line", `{`, 2, ""},
		{"empty", "", 2, ""},
		{"notes before and after", note + step(1) + note + step(2) + note, 1, note + step(1) + note},
		{"a damaged line", step(1) + "\x00\x00\x00\n" + step(2), 2, step(1) + step(2)},
		{"other JSON", step(1) + "7\n[]\nnull\n{}\n\"\"\n" + `{"event":"step","step":"1"}` + "\n", 2, step(1)},
		{"resume from an earlier step", step(1) + step(2), 1, step(1)},
		{"changes of the learning rate", step(1) + change(1) + step(2) + change(2) + note + saved(2), 2, step(1) + change(1) + step(2) + saved(2)},
		{"a pause", step(2) + pause, 2, step(2) + pause},
		{"fresh", step(1) + step(2), 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events.jsonl")
			if err := os.WriteFile(path, []byte(test.file), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := OpenJSONL(path, upTo(test.resume))
			if err != nil {
				t.Fatal(err)
			}
			record(t, r, aVal, aNote)
			added := `{"event":"note","level":"warning","text":"loss is high"}` + "\n"
			if got := content(t, path); got != test.want+added { // before Close: lines are not buffered
				t.Errorf("got\n%swant\n%s", got, test.want+added)
			}
			closeIt(t, r)
			wantNoOtherFiles(t, path)
		})
	}
}

// TestJSONLKilledAnywhere truncates the file at every byte, as a kill can, resumes from the newest
// checkpoint, and checks that each step is recorded once.
func TestJSONLKilledAnywhere(t *testing.T) {
	const steps, checkpointEvery = 9, 3
	path := filepath.Join(t.TempDir(), "events.jsonl")
	run := func(from int64) {
		r, err := OpenJSONL(path, upTo(from))
		if err != nil {
			t.Fatal(err)
		}
		for s := from + 1; s <= steps; s++ {
			record(t, r, Step{Step: s, Loss: 1 / float64(s)})
		}
		closeIt(t, r)
	}
	run(0)
	complete := content(t, path)
	for cut := range len(complete) {
		if err := os.WriteFile(path, []byte(complete[:cut]), 0o644); err != nil {
			t.Fatal(err)
		}
		done := strings.Count(complete[:cut], "\n")
		run(int64(done - done%checkpointEvery))
		if got := content(t, path); got != complete {
			t.Fatalf("killed at byte %d: got\n%s", cut, got)
		}
	}
}

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	r, err := OpenCSV(path, upTo(0))
	if err != nil {
		t.Fatal(err)
	}
	second := anEpoch
	second.Epoch, second.Step, second.ValImages, second.Skipped, second.Best, second.TrainLoss = 4, 114, 0, 2, true, 1/0.3
	third := second
	third.Epoch, third.Step, third.ValImages, third.Best, third.Averaged = 5, 171, 9, false, true
	third.EMAValLoss, third.EMAValTop1, third.EMAValTop5 = 1.5, 0.5, 0.75
	record(t, r, aStart, aStep, aVal, anEpoch, aCheckpoint, aSkip, aNote, second, third, aDone)
	closeIt(t, r)
	want := `epoch,step,train_loss,train_top1,val_loss,val_top1,val_top5,ema_val_loss,ema_val_top1,ema_val_top5,lr,images_per_second,seconds,data_wait_share,val_images,skipped,best
3,57,2.104,0.382,1.93,0.42,0.785,,,,0.05,412.3,23.4,0.01,20,0,0
4,114,3.3333333333333335,0.382,,,,,,,0.05,412.3,23.4,0.01,0,2,1
5,171,3.3333333333333335,0.382,1.93,0.42,0.785,1.5,0.5,0.75,0.05,412.3,23.4,0.01,9,2,0
`
	if got := content(t, path); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// upTo returns a position at a step, with enough epochs to drop none.
func upTo(step int64) Position { return Position{Step: step, Epochs: 1000} }

// TestResumeBeforeTheEpochEvent checks that the Epoch event is recorded once if the validation was
// interrupted and the resumed run was killed between the event and the checkpoint.
func TestResumeBeforeTheEpochEvent(t *testing.T) {
	dir := t.TempDir()
	run := func(from Position, events ...Event) {
		t.Helper()
		lines, err := OpenJSONL(filepath.Join(dir, "events.jsonl"), from)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := OpenCSV(filepath.Join(dir, "metrics.csv"), from)
		if err != nil {
			t.Fatal(err)
		}
		both := Multi{lines, rows}
		record(t, both, events...)
		closeIt(t, both)
	}
	run(Position{}, Step{Step: anEpoch.Step, Epoch: anEpoch.Epoch})
	for range 3 {
		run(Position{Step: anEpoch.Step, Epochs: anEpoch.Epoch - 1}, anEpoch)
	}
	for file, want := range map[string]int{"events.jsonl": 2, "metrics.csv": 2} { // a step and an epoch; a header and an epoch
		if got := strings.Count(content(t, filepath.Join(dir, file)), "\n"); got != want {
			t.Errorf("%s has %d lines, want %d:\n%s", file, got, want, content(t, filepath.Join(dir, file)))
		}
	}
}

func TestCSVResume(t *testing.T) {
	row := func(epoch, step int) string { return fmt.Sprintf("%d,%d,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n", epoch, step) }
	header := strings.Join(csvColumns, ",") + "\n"
	tests := []struct {
		name   string
		file   string
		resume int64
		want   string
	}{
		{"nothing to drop", header + row(1, 10) + row(2, 20), 20, header + row(1, 10) + row(2, 20)},
		{"after the checkpoint", header + row(1, 10) + row(2, 20), 19, header + row(1, 10)},
		{"a truncated row", header + row(1, 10) + row(2, 20)[:9], 20, header + row(1, 10)},
		{"a row without its end", header + row(1, 10) + strings.TrimSpace(row(2, 20)), 20, header + row(1, 10)},
		{"no number", header + "1,x,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n" + row(1, 10), 20, header + row(1, 10)},
		{"a truncated header", header[:20], 20, header},
		{"empty", "", 20, header},
		{"fresh", header + row(1, 10), 0, header},
		{"fresh over other content", "a,b\n", 0, header},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "metrics.csv")
			if err := os.WriteFile(path, []byte(test.file), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := OpenCSV(path, upTo(test.resume))
			if err != nil {
				t.Fatal(err)
			}
			record(t, r, anEpoch)
			want := test.want + "3,57,2.104,0.382,1.93,0.42,0.785,,,,0.05,412.3,23.4,0.01,20,0,0\n"
			if got := content(t, path); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			closeIt(t, r)
			wantNoOtherFiles(t, path)
		})
	}
}

func TestCSVWithOtherColumnsIsUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	if err := os.WriteFile(path, []byte("epoch,loss\n1,2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCSV(path, upTo(5)); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("error %v", err)
	}
	if got := content(t, path); got != "epoch,loss\n1,2\n" {
		t.Errorf("the file is now %q", got)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no", "file")
	for _, resume := range []int64{0, 5} {
		for name, open := range map[string]func(string, Position) (Recorder, error){"jsonl": OpenJSONL, "csv": OpenCSV} {
			if _, err := open(missing, upTo(resume)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s, missing folder: %v", name, err)
			}
			if _, err := open(dir, upTo(resume)); err == nil {
				t.Errorf("%s: a folder was opened", name)
			}
		}
	}
}

// TestFullDisk checks that the file ends with a complete line after a full disk, and that later
// events can be appended.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	f, err := openLines(path, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	partial := &partialWriter{File: f, room: 70}
	r := &jsonlRecorder{path: path, f: partial}
	record(t, r, aNote)
	if err := r.Record(aNote); !errors.Is(err, errWriter) {
		t.Errorf("error %v, want the writer's", err)
	}
	partial.room = 1000
	record(t, r, Note{Level: Info, Text: "later"})
	closeIt(t, r)
	want := `{"event":"note","level":"warning","text":"loss is high"}` + "\n" + `{"event":"note","level":"info","text":"later"}` + "\n"
	if got := content(t, path); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	rows := &csvRecorder{path: path, f: &partialWriter{File: f}}
	if err := rows.Record(anEpoch); err == nil {
		t.Error("a row on a closed file gave no error")
	}
	if err := rows.Close(); err == nil {
		t.Error("closing a closed file gave no error")
	}
}

// FuzzJSONLResume checks that the remaining lines are complete events up to the step, in their
// order, and that a second pass changes nothing.
func FuzzJSONLResume(f *testing.F) {
	f.Add([]byte(goldenJSON), int64(57))
	f.Add([]byte(goldenJSON[:500]), int64(10))
	f.Add([]byte("{\"event\":\"step\",\"step\":1}\n\n{}\nnull\n{\"event\":\"note\"}"), int64(1))
	f.Fuzz(func(t *testing.T, file []byte, last int64) {
		var once, twice bytes.Buffer
		if _, err := filterLines(&once, bytes.NewReader(file), keepEvents(upTo(last))); err != nil {
			t.Fatal(err)
		}
		var before []string
		for line := range strings.Lines(string(file)) {
			before = append(before, line)
		}
		for line := range strings.Lines(once.String()) {
			at := slices.Index(before, line)
			if at < 0 {
				t.Fatalf("%q was not in the file, or not in that order", line)
			}
			before = before[at+1:]
			var event struct {
				Step *float64 `json:"step"`
			}
			if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &event) != nil || event.Step != nil && *event.Step > float64(last) {
				t.Fatalf("%q was not dropped", line)
			}
		}
		dropped, err := filterLines(&twice, bytes.NewReader(once.Bytes()), keepEvents(upTo(last)))
		if err != nil || dropped || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("a second pass: dropped %v, %v", dropped, err)
		}
	})
}
