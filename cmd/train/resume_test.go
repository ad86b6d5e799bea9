package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

// unfinished is a run of two epochs that stopped before its first step, made with the commands.
func unfinished(t *testing.T, data string, more ...string) (run string) {
	t.Helper()
	run = filepath.Join(t.TempDir(), "run")
	done(t, append(small(data, "--out", run, "--epochs", "2", "--threads", "1", "--stop-after", "1ns", "--lr", "0.02"), more...)...)
	return run
}

// TestResume: a run continues by its name alone, and by every other name of it, to the bytes of a run that was not
// stopped.
func TestResume(t *testing.T) {
	data := pictures(t)
	whole := filepath.Join(t.TempDir(), "whole")
	done(t, small(data, "--out", whole, "--epochs", "2", "--threads", "1", "--lr", "0.02")...)
	for _, tc := range []struct {
		name string
		args func(run string) []string
	}{
		{"the folder", func(run string) []string { return []string{run} }},
		{"with a slash", func(run string) []string { return []string{run + "/"} }},
		{"the working folder", func(run string) []string { t.Chdir(run); return []string{"."} }},
		{"the folder of its checkpoints", func(run string) []string { return []string{run + "/checkpoints"} }},
		{"a checkpoint", func(run string) []string { return []string{run + "/checkpoints/step-00000000.safetensors"} }},
		{"its settings", func(run string) []string { return []string{run + "/config.yaml"} }},
		{"flags that change no result", func(run string) []string {
			return []string{run, "--workers", "0", "--keep", "1", "--checkpoint-every", "1steps", "--threads", "1", "--progress", "json"}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := unfinished(t, data)
			done(t, append([]string{"resume", "--stop-after", "0"}, tc.args(run)...)...)
			sameFile(t, filepath.Join(whole, "best.safetensors"), filepath.Join(run, "best.safetensors"))
			sameFile(t, filepath.Join(whole, "checkpoints/step-00000006.safetensors"), filepath.Join(run, "checkpoints/step-00000006.safetensors"))
		})
	}
}

// TestResumeFinished: a finished run is not changed, and what is printed says how it went and how to go on; that
// works.
func TestResumeFinished(t *testing.T) {
	run := trained(t, pictures(t))
	before, err := os.ReadFile(filepath.Join(run, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := execute(t, "resume", run)
	for _, want := range []string{run + ": the run is finished after 2 epochs (step 6), best val top-1 ", "--extend-epochs N makes it longer", " eval "} {
		if code != exitDone || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, standard output %q, standard error\n%swant %q", code, stdout, stderr, want)
		}
	}
	if after, err := os.ReadFile(filepath.Join(run, "events.jsonl")); err != nil || string(after) != string(before) {
		t.Errorf("events.jsonl was changed (%v)", err)
	}
	code, _, stderr = execute(t, "resume", run, "--extend-epochs", "1", "--progress", "plain")
	if code != exitDone || !strings.Contains(stderr, "\nextended from 2 to 3 epochs: the cosine schedule now spans 3 epochs") || !strings.Contains(stderr, "epoch 3/3") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if _, _, stderr = execute(t, "resume", run); !strings.Contains(stderr, "finished after 3 epochs (step 9)") {
		t.Errorf("the extended run: %s", stderr)
	}
	c, err := config.Load(filepath.Join(run, configName))
	if err != nil || c.Epochs != 3 {
		t.Errorf("%s has %d epochs (%v)", configName, c.Epochs, err)
	}
}

// TestResumeAdvice: the command that an unfinished run ends with names what config.yaml lacks, and works.
func TestResumeAdvice(t *testing.T) {
	data := pictures(t)
	run := unfinished(t, data)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(data, moved); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := execute(t, "resume", run)
	if code != exitFailed || !strings.Contains(lastLine(stderr), "if the images have moved, give their place with --data") {
		t.Errorf("without the data: exit code %d, %q", code, lastLine(stderr))
	}
	_, _, stderr = execute(t, "resume", run, "--data", moved, "--progress", "plain")
	_, command, found := strings.Cut(stderr, " resume ")
	command, _, _ = strings.Cut(command, "\n")
	if want := run + " --data " + moved; !found || command != want {
		t.Fatalf("the command is %q, want %q in\n%s", command, want, stderr)
	}
	done(t, append([]string{"resume", "--stop-after", "0"}, strings.Fields(command)...)...)

	run = unfinished(t, moved)
	_, _, stderr = execute(t, "--config", filepath.Join(run, configName), "--out", run, "--resume", "auto", "--device", "cpu", "--threads", "1", "--precision", "auto")
	if !strings.Contains(stderr, " resume "+run+"\n") {
		t.Errorf("the same settings: %s", stderr)
	}
}

// TestExtendWithoutCheckpoint: the command that the error names works.
func TestExtendWithoutCheckpoint(t *testing.T) {
	run := unfinished(t, pictures(t))
	if err := os.RemoveAll(filepath.Join(run, "checkpoints")); err != nil {
		t.Fatal(err)
	}
	_, _, stderr := execute(t, "resume", run, "--extend-epochs", "1")
	_, command, found := strings.Cut(lastLine(stderr), "start it with train ")
	if !found || !strings.HasSuffix(command, "--epochs 3") {
		t.Fatalf("%q", lastLine(stderr))
	}
	done(t, append(strings.Fields(command), "--stop-after", "0")...)
	if _, _, stderr = execute(t, "resume", run); !strings.Contains(stderr, "finished after 3 epochs") {
		t.Error(stderr)
	}
}

// TestWrongRuns: what is no run, or cannot be continued, is explained.
func TestWrongRuns(t *testing.T) {
	data := pictures(t)
	run, stopped := trained(t, data), unfinished(t, data)
	runs := filepath.Dir(run)
	bare, own, empty := filepath.Join(t.TempDir(), "bare"), filepath.Join(t.TempDir(), "a [b]"), t.TempDir()
	for _, dir := range []string{bare, own} {
		if err := os.CopyFS(dir, os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
	}
	loose := filepath.Join(empty, "step-00000006.safetensors")
	if err := os.Rename(filepath.Join(bare, "checkpoints/step-00000006.safetensors"), loose); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(bare, configName)); err != nil {
		t.Fatal(err)
	}
	unlock, err := checkpoints.Lock(own)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no run", nil, exitUsage, "train resume needs the folder of a run, such as runs/photos-1"},
		{"an empty name", []string{""}, exitUsage, "needs the folder of a run"},
		{"two runs", []string{run, "b"}, exitUsage, "train resume takes one run, got also \"b\""},
		{"an address", []string{"https://host/run"}, exitUsage, "takes no address"},
		{"a missing folder", []string{"nowhere"}, exitFailed, "nowhere: no such file or directory; give the folder of a run"},
		{"a folder of something else", []string{empty}, exitFailed, "is not the folder of a run: it has no config.yaml; to train on the images in a folder, use --data"},
		{"a folder of runs", []string{runs}, exitFailed, "is not the folder of a run, but contains some: name one of " + run},
		{"without its settings", []string{bare}, exitFailed, "has checkpoints, but no config.yaml"},
		{"a checkpoint of no run", []string{loose}, exitFailed, "is not in the checkpoints folder of a run"},
		{"another file of it", []string{filepath.Join(run, "metrics.csv")}, exitFailed, "is neither the folder of a run nor one of its checkpoints"},
		{"its best weights", []string{filepath.Join(run, "best.safetensors")}, exitFailed, "continue the run with train resume " + run + ", or start a new one from the weights with --init " + run + "/best.safetensors"},
		{"locked", []string{own}, exitFailed, "in use by another run (process "},
		{"its last checkpoint", []string{filepath.Join(run, "checkpoints/step-00000006.safetensors")}, exitFailed, "nothing is left to train; resume from an earlier checkpoint, extend it with train resume and --extend-epochs N"},
		{"no more epochs", []string{run, "--extend-epochs", "0"}, exitUsage, "--extend-epochs 0: must be at least 1"},
		{"fewer epochs", []string{run, "--extend-epochs", "-1"}, exitUsage, "--extend-epochs -1: must be at least 1"},
		{"epochs that are no number", []string{run, "--extend-epochs", "few"}, exitUsage, "--extend-epochs few: must be a whole number"},
		{"epochs", []string{run, "--epochs", "9"}, exitUsage, "use --extend-epochs N, which adds N epochs"},
		{"another setting", []string{run, "--lr", "0.1"}, exitUsage, "--lr: a run continues with its own settings; for others, start a new run from its weights with train --init RUN"},
		{"another setting with an underscore", []string{run, "--batch_size", "3"}, exitUsage, "--batch-size: a run continues with its own settings"},
		{"the run as a flag", []string{"--out", run}, exitUsage, "--out: the run is an argument: train resume RUN"},
		{"auto", []string{run, "--resume", "auto"}, exitUsage, "--resume: the run is an argument: train resume RUN"},
		{"a mistyped flag", []string{run, "--worker", "3"}, exitUsage, "did you mean --workers?"},
		{"other threads", []string{stopped, "--threads", "7"}, exitFailed, "the checkpoint belongs to another run: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, append([]string{"resume"}, tc.args...)...)
			if last := lastLine(stderr); code != tc.code || stdout != "" || !strings.HasPrefix(last, "error: ") || !strings.Contains(last, tc.want) {
				t.Errorf("exit code %d, %q; want %d and %q", code, last, tc.code, tc.want)
			}
		})
	}
}

// TestResumeIsSuggested: other spellings of the command are answered with it.
func TestResumeIsSuggested(t *testing.T) {
	run := trained(t, pictures(t))
	for _, tc := range []struct {
		name, want string
		args       []string
	}{
		{"a run alone", "to continue that run, use train resume " + run, []string{run}},
		{"--resume auto without data", "use train resume RUN", []string{"--out", run, "--resume", "auto"}},
		{"--resume with the folder", "train resume " + run + " continues the run in it", []string{"--data", pictures(t), "--out", filepath.Join(t.TempDir(), "x"), "--resume", run, "--width", "0.25", "--resolution", "32"}},
		{"--extend-epochs of a new run", "use train resume RUN --extend-epochs N", []string{"--data", "x", "--extend-epochs", "3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, _, stderr := execute(t, tc.args...); code == exitDone || !strings.Contains(lastLine(stderr), tc.want) {
				t.Errorf("exit code %d, %q, want %q", code, lastLine(stderr), tc.want)
			}
		})
	}
}

// TestInitFromRun: a new run from the best weights of another has its network and starts from their average, with the
// head if the classes are the same; it records its own validation images and settings.
func TestInitFromRun(t *testing.T) {
	data, other := pictures(t), pictures(t)
	if err := os.Rename(filepath.Join(other, "train/red"), filepath.Join(other, "train/rust")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(other, "val")); err != nil {
		t.Fatal(err)
	}
	flat := filepath.Join(data, "train")
	for _, tc := range []struct {
		name string
		base []string // flags of the run that the other starts from
		more []string // and of the other
		note string
		test func(t *testing.T, w weights.Weights)
	}{
		{"the same classes", []string{"--data", data}, []string{"--data", data}, "with its head, because the classes are the same", nil},
		{"other classes", []string{"--data", data}, []string{"--data", filepath.Join(other, "train"), "--val-split", "0.2"}, "the head for its 3 classes is replaced by one for 3", func(t *testing.T, w weights.Weights) {
			if strings.Join(w.Classes, " ") != "blue green rust" {
				t.Errorf("classes %v", w.Classes)
			}
		}},
		{"a recorded validation split, to data with a val", []string{"--data", flat, "--val-split", "0.3", "--seed", "4"}, []string{"--data", data}, "with its head", func(t *testing.T, w weights.Weights) {
			for _, key := range []string{weights.MetaValSplit, weights.MetaSplit} {
				if w.Meta[key] != "" {
					t.Errorf("metadata %q of the first run: %s", key, w.Meta[key])
				}
			}
		}},
		{"a recorded validation split, to another", []string{"--data", flat, "--val-split", "0.3", "--seed", "4"}, []string{"--data", flat, "--val-split", "0.2", "--seed", "9"}, "with its head", func(t *testing.T, w weights.Weights) {
			var split struct {
				Fraction float64 `json:"fraction"`
				Seed     uint64  `json:"seed"`
			}
			if err := json.Unmarshal([]byte(w.Meta[weights.MetaSplit]), &split); err != nil || split.Fraction != 0.2 || split.Seed != 9 {
				t.Errorf("split %+v, %v; want the new run's", split, err)
			}
		}},
		{"a weight average", []string{"--data", data, "--ema-decay", "0.5"}, []string{"--data", data}, "with its head", func(t *testing.T, w weights.Weights) {
			if w.Raw != nil {
				t.Error("the new run has an average")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, run := filepath.Join(t.TempDir(), "base"), filepath.Join(t.TempDir(), "run")
			done(t, append([]string{"--out", base, "--width", "0.25", "--resolution", "32", "--epochs", "1", "--batch-size", "6", "--device", "cpu", "--lr", "0.02"}, tc.base...)...)
			first, err := formats.Read(base)
			if err != nil {
				t.Fatal(err)
			}
			code, _, stderr := execute(t, append([]string{"--init", base, "--freeze", "backbone", "--out", run, "--epochs", "1", "--batch-size", "6", "--device", "cpu", "--progress", "plain"}, tc.more...)...)
			if code != exitDone || !strings.Contains(stderr, tc.note) {
				t.Fatalf("exit code %d, want %q in\n%s", code, tc.note, stderr)
			}
			w, err := formats.Read(run)
			if err != nil {
				t.Fatal(err)
			}
			if w.Config.Width != 0.25 || w.Config.Resolution != 32 {
				t.Errorf("network %+v", w.Config)
			}
			if string(arrayBytes(t, w, "conv_stem.weight")) != string(arrayBytes(t, first, "conv_stem.weight")) { // frozen
				t.Error("the backbone is not that of the first run's best weights")
			}
			if tc.test != nil {
				tc.test(t, w)
			}
		})
	}
}

func arrayBytes(t *testing.T, w weights.Weights, name string) []byte {
	t.Helper()
	for _, a := range w.Arrays {
		if a.Name == name {
			values, err := checkpoints.Values[float32](a)
			text, errText := json.Marshal(values)
			if err != nil || errText != nil {
				t.Fatal(err, errText)
			}
			return text
		}
	}
	t.Fatalf("no array %s", name)
	return nil
}
