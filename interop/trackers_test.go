//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

// trackers returns the Python of trackers.txt. INTEROP_TRACKERS names one that has these packages already.
func trackers(t *testing.T) string {
	return pythonOf(t, "INTEROP_TRACKERS", Environment{Requirements: "trackers.txt", Size: "packages, needs 1 GB"})
}

// trainProgram builds the program.
func trainProgram(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "train")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../cmd/train").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// killedRun trains, kills the process with SIGKILL after a step between checkpoints, and resumes the run.
func killedRun(t *testing.T, program string, environment ...string) (dir string) {
	dir = filepath.Join(t.TempDir(), "run")
	start := func(arguments ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), program, arguments...)
		cmd.Env = append(os.Environ(), environment...)
		var out bytes.Buffer
		cmd.Stderr = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, &out
	}
	cmd, out := start("--data", dataSet(t), "--out", dir, "--epochs", "200", "--resolution", "32", "--width", "0.25", "--batch-size", "4", "--augment", "none", "--progress", "plain",
		"--checkpoint-every", "7steps", "--tensorboard", "all", "--workers", "1", "--max-steps", "150")
	for range 3000 {
		h, err := history.Read(filepath.Join(dir, "events.jsonl"))
		if err == nil && h.LastStep >= 60 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // killed
	if cmd.ProcessState.Success() {
		t.Fatalf("the run ended before the kill:\n%s", out)
	}
	cmd, out = start("resume", dir, "--progress", "plain")
	if err := cmd.Wait(); err != nil || strings.Contains(out.String(), "not affected") {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// found is what a script of trackers/ prints.
type found struct {
	Version    string
	Scalars    map[string][][2]float64 // step and value
	Metrics    json.RawMessage
	Images     map[string][][]int
	Histograms map[string][][]float64
	Curves     map[string][]int
	HParams    map[string]any
	Params     map[string]string
	Artifacts  map[string]int64
	Status     json.RawMessage
	Experiment string
}

// readBack runs a script.
func readBack(t *testing.T, python, script string, arguments ...string) (f found) {
	cmd := exec.CommandContext(t.Context(), python, append([]string{filepath.Join("trackers", script)}, arguments...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return f
}

// compareScalars compares what was read with events.jsonl: each step and epoch once, in order.
func compareScalars(t *testing.T, dir string, scalars map[string][][2]float64) {
	want := map[string][][2]float64{}
	err := history.Events(filepath.Join(dir, "events.jsonl"), func(e report.Event) error {
		step, list := report.Scalars(e)
		for _, s := range list {
			want[s.Tag] = append(want[s.Tag], [2]float64{float64(step), float64(float32(s.Value))})
		}
		return nil
	})
	if err != nil || len(want["train/loss"]) != 150 {
		t.Fatalf("%v, %d steps", err, len(want["train/loss"]))
	}
	for tag := range want {
		got := scalars[tag]
		for i := range got {
			got[i][1] = float64(float32(got[i][1]))
		}
		if strings.HasSuffix(tag, "images_per_second") || strings.HasSuffix(tag, "seconds") || strings.HasSuffix(tag, "data_wait_share") { // of another process after the kill
			if len(got) != len(want[tag]) {
				t.Errorf("%s: %d values, want %d", tag, len(got), len(want[tag]))
			}
			continue
		}
		if !reflect.DeepEqual(got, want[tag]) {
			t.Errorf("%s: %v\nwant %v", tag, got, want[tag])
		}
	}
	if len(scalars) != len(want) {
		t.Errorf("%d tags, want %d", len(scalars), len(want))
	}
}

// TestTensorBoard reads the event files of a killed and resumed run with TensorBoard's EventAccumulator.
func TestTensorBoard(t *testing.T) {
	python := trackers(t)
	dir := killedRun(t, trainProgram(t))
	f := readBack(t, python, "read_tensorboard.py", filepath.Join(dir, "tensorboard"))
	compareScalars(t, dir, f.Scalars)
	batch := f.Images["images/train_batch"]
	if len(batch) != 1 || batch[0][0] != 0 || len(f.Histograms["weights/conv_stem.weight"]) == 0 || len(f.Curves["pr/micro_average"]) == 0 || f.HParams["max_steps"] != 150.0 || string(f.Status) != "[1]" {
		t.Errorf("images %v, histograms of %d, curves %v, max_steps %v, status %s", f.Images, len(f.Histograms), f.Curves, f.HParams["max_steps"], f.Status)
	}
	for tag, list := range f.Histograms {
		for _, h := range list {
			if h[1] == 0 || h[1] != h[2] {
				t.Errorf("%s: %v values, %v in buckets", tag, h[1], h[2])
			}
		}
	}
	fmt.Println("interop: tensorboard", f.Version, "reads the event files of a killed and resumed run")
}

// TestMLflow records a killed and resumed run on a real server.
func TestMLflow(t *testing.T) {
	python := trackers(t)
	address := mlflowServer(t, python)
	dir := killedRun(t, trainProgram(t), "MLFLOW_TRACKING_URI="+address, "MLFLOW_EXPERIMENT_NAME=a b", "MLFLOW_RUN_NAME=ein ü")
	var stored struct {
		Run string `json:"run_id"`
	}
	if err := json.Unmarshal(testset.Contents(t, filepath.Join(dir, "mlflow.json")), &stored); err != nil {
		t.Fatal(err)
	}
	f := readBack(t, python, "read_mlflow.py", address, stored.Run)
	var metrics map[string][][2]float64
	if err := json.Unmarshal(f.Metrics, &metrics); err != nil {
		t.Fatal(err)
	}
	compareScalars(t, dir, metrics)
	if string(f.Status) != `"FINISHED"` || f.Experiment != "a b" || f.Params["max_steps"] != "150" || len(f.Artifacts) != 3 {
		t.Errorf("status %s, experiment %q, max_steps %q, artifacts %v", f.Status, f.Experiment, f.Params["max_steps"], f.Artifacts)
	}
	fmt.Println("interop: mlflow", f.Version, "has a killed and resumed run")
}

// mlflowServer starts a server and waits until it answers.
func mlflowServer(t *testing.T, python string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	dir := t.TempDir()
	cmd := exec.CommandContext(context.Background(), python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
		"--backend-store-uri", "sqlite:///"+filepath.Join(dir, "m.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"))
	cmd.Dir = dir
	ownGroup(cmd)
	var out lockedTail
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Cancel() // with the processes that it started
		cmd.Wait()   // killed: its exit code says nothing
	})
	for range 600 {
		if answer, err := http.Get(address + "/health"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return address
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("the server does not answer:\n%s", out.String())
	return ""
}
