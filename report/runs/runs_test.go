package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
)

const (
	settings = "data: photos\narch: mobilenet_v1\nvariant: paper\nwidth: 0.5\nresolution: 128\nepochs: 3\nlr: 0.1\n"
	start    = `{"event":"start","run":"x","images":10,"epochs":3,"step":0}` + "\n"
	step     = `{"event":"step","step":7,"epoch":2,"loss":1.5}` + "\n"
	metrics  = "epoch,step,val_top1,ema_val_top1,best\n1,3,0.5,,1\n2,6,0.75,0.875,1\n"
)

// folder writes the files of a run.
func folder(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name, events string
		state        State
		err          string
		step         int64
	}{
		{"finished", start + step + `{"event":"done","step":9,"status":"finished"}` + "\n", Finished, "", 9},
		{"interrupted", start + `{"event":"done","step":7,"status":"interrupted"}` + "\n", Interrupted, "", 7},
		{"failed", start + `{"event":"done","step":7,"status":"failed","error":"no space left on device"}` + "\n", Failed, "no space left on device", 7},
		{"killed", start + step, Killed, "", 7},
		{"killed in a line", start + step + `{"event":"st`, Killed, "", 7},
		{"resumed after a failure, and killed", start + `{"event":"done","step":7,"status":"failed","error":"x"}` + "\n" + start + step, Killed, "", 7},
		{"killed at once", "", Killed, "", 6},
		{"a long run", start + strings.Repeat(step, 3000) + `{"event":"done","step":9,"status":"finished"}` + "\n", Finished, "", 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, t.TempDir(), map[string]string{"config.yaml": settings, "events.jsonl": c.events, "metrics.csv": metrics, "checkpoints/a": "12345"})
			r, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if r.State != c.state || r.Error != c.err || r.Step != c.step {
				t.Errorf("%s, error %q, step %d", r.State, r.Error, r.Step)
			}
			if r.Completed != 2 || r.Epochs != 3 || r.BestTop1 != 0.875 || r.BestEpoch != 2 || r.Network != "mobilenet_v1 paper 0.5 128" || r.Data != "photos" {
				t.Errorf("%+v", r)
			}
			if want := int64(len(settings) + len(c.events) + len(metrics) + 5); r.Bytes != want {
				t.Errorf("%d bytes, want %d", r.Bytes, want)
			}
		})
	}
}

// TestRunning: a run is running while a process holds its lock, whatever its events say.
// TestBestAverage: the average of the last epochs, which only the last event has, may be the best result.
func TestBestAverage(t *testing.T) {
	for _, c := range []struct {
		name, metrics, done string
		top1, mAP           float64
		epoch               int
	}{
		{"better", metrics, `"best_top1":0.9`, 0.9, 0, 3},
		{"worse", metrics, `"best_top1":0.875`, 0.875, 0, 2},
		{"absent", metrics, `"error":""`, 0.875, 0, 2},
		{"several labels", "epoch,step,val_top1,val_map,best\n1,3,0.5,0.3,1\n", `"best_top1":0.4,"best_map":0.6`, 0.4, 0.6, 3},
		{"several labels, worse", "epoch,step,val_top1,val_map,best\n1,3,0.5,0.3,1\n", `"best_top1":0.9,"best_map":0.3`, 0.5, 0.3, 1},
	} {
		dir := folder(t, t.TempDir(), map[string]string{"config.yaml": settings, "metrics.csv": c.metrics + "3,9,0.1,0.2,0\n",
			"events.jsonl": start + `{"event":"done","step":9,"status":"finished",` + c.done + "}\n"})
		r, err := Open(dir)
		if err != nil || r.BestTop1 != c.top1 || r.BestMAP != c.mAP || r.BestEpoch != c.epoch {
			t.Errorf("%s: top-1 %v, mAP %v in epoch %d, %v", c.name, r.BestTop1, r.BestMAP, r.BestEpoch, err)
		}
	}
}

func TestRunning(t *testing.T) {
	dir := folder(t, t.TempDir(), map[string]string{"config.yaml": settings, "events.jsonl": start})
	release, err := checkpoints.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Open(dir); err != nil || r.State != Running || r.BestEpoch != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, c := range []struct {
		events string
		state  State
	}{
		{`{"event":"control","step":7,"action":"pause"}` + "\n", Paused},
		{`{"event":"checkpoint","step":7}` + "\n" + `{"event":"control","step":7,"action":"lr","lr_factor":0.5}` + "\n", Paused},
		{`{"event":"control","step":7,"action":"continue"}` + "\n", Running},
		{`{"event":"control","step":7,"action":"pause"}` + "\n" + step, Running},
		{`{"event":"control","step":7,"action":"pause"}` + "\n" + start, Running},
		{`{"event":"control","step":7,"action":"pause"}` + "\n", Paused},
	} {
		appendTo(t, filepath.Join(dir, "events.jsonl"), c.events)
		r, err := Open(dir)
		if err != nil || r.State != c.state || !r.State.Alive() {
			t.Errorf("after %s: %s, %v", c.events, r.State, err)
		}
		plan, err := Plan([]Run{r}, PruneOptions{Checkpoints: true, Unfinished: true, Now: time.Now().Add(time.Hour)})
		if err != nil || len(plan) > 0 {
			t.Errorf("%s: %v would be removed, %v", r.State, plan, err)
		}
	}
	release()
	if r, err := Open(dir); err != nil || r.State != Killed {
		t.Errorf("%+v, %v", r, err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestList: runs at several depths, the last changed first; broken ones are named; folders of a run are no runs.
func TestList(t *testing.T) {
	top := t.TempDir()
	for i, name := range []string{"a", "group/b", "c"} {
		dir := folder(t, filepath.Join(top, name), map[string]string{"config.yaml": settings, "events.jsonl": start, "inner/config.yaml": settings, "inner/events.jsonl": start})
		changed := time.Unix(int64(1000*(i+1)), 0)
		if err := os.Chtimes(filepath.Join(dir, "events.jsonl"), changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	folder(t, filepath.Join(top, "broken"), map[string]string{"config.yaml": "a: [", "events.jsonl": start})
	folder(t, filepath.Join(top, "other"), map[string]string{"notes.txt": "x", "config.yaml/x": ""})
	list, broken, err := List(top)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range list {
		name, err := filepath.Rel(top, r.Dir)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if fmt.Sprint(names) != "[c group/b a]" || len(broken) != 1 || !strings.Contains(broken[0].Error(), "broken") {
		t.Errorf("%v, %v", names, broken)
	}
	if list, _, err := List(filepath.Join(top, "c")); err != nil || len(list) != 1 {
		t.Errorf("the folder of a run: %v, %v", list, err)
	}
	if _, _, err := List(filepath.Join(top, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := Open(top); !errors.Is(err, ErrNoRun) {
		t.Errorf("Open: %v", err)
	}
}

func TestDiff(t *testing.T) {
	open := func(text string) Run {
		r, err := Open(folder(t, t.TempDir(), map[string]string{"config.yaml": text, "events.jsonl": start}))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := open(settings+"augment:\n  flip: true\n"), open(strings.Replace(settings, "lr: 0.1", "lr: 0.2", 1)+"augment:\n  flip: false\nema_decay: 0.9\n")
	want := []Difference{{"augment.flip", "true", "false"}, {"ema_decay", "", "0.9"}, {"lr", "0.1", "0.2"}}
	if got := Diff(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Diff(a, a); got != nil {
		t.Errorf("of the same: %v", got)
	}
}

// TestPrune: what is proposed is removed, and nothing else.
func TestPrune(t *testing.T) {
	top := t.TempDir()
	done := func(status string) string {
		return start + `{"event":"done","step":9,"status":"` + status + `"}` + "\n"
	}
	stored := map[string]string{"config.yaml": settings, "checkpoints/notes": "mine", "best.safetensors": "best"}
	for name, events := range map[string]string{"finished": done("finished"), "damaged": done("finished"), "failed": done("failed"), "running": start} {
		stored["events.jsonl"] = events
		dir := folder(t, filepath.Join(top, name), stored)
		for _, step := range []int64{3, 6, 9} {
			if _, err := (checkpoints.Store{Dir: filepath.Join(dir, "checkpoints"), Keep: 3}).Save(step, checkpoints.File{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder(t, filepath.Join(top, "damaged"), map[string]string{"checkpoints/step-00000009.safetensors": "x", "checkpoints/step-00000006.safetensors": "x"})
	if err := os.Remove(filepath.Join(top, "failed/checkpoints/notes")); err != nil {
		t.Fatal(err)
	}
	release, err := checkpoints.Lock(filepath.Join(top, "running"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	list, _, err := List(top)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name string
		o    PruneOptions
		want []string
	}{
		{"nothing asked", PruneOptions{Now: now}, []string{}},
		{"checkpoints", PruneOptions{Now: now, Checkpoints: true}, []string{"finished/checkpoints/step-00000003.safetensors", "finished/checkpoints/step-00000006.safetensors"}},
		{"unfinished", PruneOptions{Now: now, Unfinished: true}, []string{"failed"}},
		{"too recent", PruneOptions{Now: now, Checkpoints: true, Unfinished: true, OlderThan: 2 * time.Hour}, []string{}},
	} {
		plan, err := Plan(list, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if plan == nil {
			t.Errorf("%s: the plan is nil, which is null in JSON", c.name)
		}
		paths := []string{}
		for _, p := range plan {
			name, err := filepath.Rel(top, p.Path)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, name)
		}
		if !reflect.DeepEqual(paths, c.want) {
			t.Errorf("%s: %v, want %v", c.name, paths, c.want)
		}
	}
	plan, err := Plan(list, PruneOptions{Now: now, Checkpoints: true, Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Minute)
	events := filepath.Join(top, "failed", eventsFile)
	before, err := os.Stat(events)
	if err == nil {
		err = os.Chtimes(events, later, later) // it was resumed
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan {
		if p.Run == filepath.Dir(events) {
			if err := Remove([]Removal{p}); !errors.Is(err, ErrChanged) {
				t.Errorf("a run that went on: %v", err)
			}
		}
	}
	if err := os.Chtimes(events, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := Remove(plan); err != nil {
		t.Fatal(err)
	}
	for path, kept := range map[string]bool{"failed": false, "finished/checkpoints/step-00000003.safetensors": false, "finished/checkpoints/step-00000009.safetensors": true,
		"damaged/checkpoints/step-00000003.safetensors": true, "finished/checkpoints/notes": true, "finished/best.safetensors": true, "running/checkpoints/step-00000003.safetensors": true} {
		if _, err := os.Stat(filepath.Join(top, path)); (err == nil) != kept {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := Remove([]Removal{{Path: filepath.Join(top, "running"), Run: filepath.Join(top, "running")}}); !errors.Is(err, checkpoints.ErrLocked) {
		t.Errorf("a running run: %v", err)
	}
}
