//go:build interop

package interop

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/report/history"
)

// TestTorchrun: PyTorch's torchrun starts the program without Python, starts its ranks again after SIGKILL of each, and the
// run ends with the weights of one that was not disturbed. Neither its folder nor --resume is named.
func TestTorchrun(t *testing.T) {
	program, python, data := trainProgram(t), environment(t), dataSet(t)
	arguments := []string{"--data", data, "--epochs", "60", "--resolution", "32", "--width", "0.25", "--batch-size", "4", "--workers", "1", "--threads", "1",
		"--checkpoint-every", "5steps", "--progress", "plain", "--report=false"}
	want := weightsHash(t, undisturbed(t, program, arguments))
	for _, victim := range []int{0, 1} {
		t.Run(fmt.Sprintf("rank %d is killed", victim), func(t *testing.T) {
			folder := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd, output := torchrun(ctx, python, folder, append([]string{"--max-restarts", "1", program}, arguments...))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			run := filepath.Join(folder, "runs", filepath.Base(data)+"-1")
			awaitStep(t, run, 20)
			if err := syscall.Kill(rankOf(t, cmd.Process.Pid, victim), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			if got := weightsHash(t, run); got != want || !strings.Contains(output.String(), "continues after step") {
				t.Errorf("weights %s, want %s after a restart\n%s", got, want, output)
			}
		})
	}
}

// TestTorchrunKills kills random ranks as often as INTEROP_KILLS says: nothing is lost.
func TestTorchrunKills(t *testing.T) {
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("INTEROP_KILLS"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	if kills == 0 {
		t.Skip("INTEROP_KILLS is the number of kills, such as 20")
	}
	program, python, data, folder := trainProgram(t), environment(t), dataSet(t), t.TempDir()
	arguments := []string{"--data", data, "--max-steps", strconv.Itoa(40 * (kills + 1)), "--resolution", "32", "--width", "0.25", "--batch-size", "4", "--workers", "1", "--threads", "1",
		"--checkpoint-every", "5steps", "--progress", "plain", "--report=false"}
	want := weightsHash(t, undisturbed(t, program, arguments))
	cmd, output := torchrun(t.Context(), python, folder, append([]string{"--max-restarts", strconv.Itoa(kills), program}, arguments...))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run, rng := filepath.Join(folder, "runs", filepath.Base(data)+"-1"), rand.New(rand.NewPCG(20, 2))
	for i := range kills {
		step, rank := int64(40*i+1+rng.IntN(30)), rng.IntN(2)
		awaitStep(t, run, step)
		t.Logf("rank %d is killed at step %d", rank, step)
		if err := syscall.Kill(rankOf(t, cmd.Process.Pid, rank), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if got := weightsHash(t, run); got != want || strings.Count(output.String(), "continues after step") != kills {
		t.Errorf("weights %s, want %s after %d restarts\n%s", got, want, kills, output)
	}
}

// TestTorchrunStops: a run that torchrun's user ends writes one checkpoint, and --nproc continues it.
func TestTorchrunStops(t *testing.T) {
	program, python, data := trainProgram(t), environment(t), dataSet(t)
	arguments := []string{"--data", data, "--epochs", "40", "--resolution", "32", "--width", "0.25", "--batch-size", "4", "--workers", "1", "--threads", "1",
		"--checkpoint-every", "1h", "--progress", "plain", "--report=false"}
	want := weightsHash(t, undisturbed(t, program, arguments))
	for _, c := range []struct {
		name string
		stop func(torchrun int) error
	}{
		{"SIGTERM to torchrun", func(torchrun int) error { return syscall.Kill(torchrun, syscall.SIGTERM) }},
		{"Ctrl-C", func(torchrun int) error { return syscall.Kill(-torchrun, syscall.SIGINT) }},
		{"SIGTERM to a rank", func(torchrun int) error { return syscall.Kill(rankOf(t, torchrun, 1), syscall.SIGTERM) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			cmd, output := torchrun(t.Context(), python, folder, append([]string{program, "--out", "run"}, arguments...))
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			run := filepath.Join(folder, "run")
			awaitStep(t, run, 20)
			if err := c.stop(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || strings.Count(output.String(), "checkpoint of step ") != 1 {
				t.Errorf("%v, want a failure of torchrun and one checkpoint\n%s", err, output)
			}
			if out, err := exec.CommandContext(t.Context(), program, "resume", run, "--nproc", "2", "--threads", "1", "--report=false").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := weightsHash(t, run); got != want {
				t.Errorf("weights %s, want %s", got, want)
			}
		})
	}
}

// TestTorchrunShowsErrors: torchrun reports the error of a rank, from the file that it names.
func TestTorchrunShowsErrors(t *testing.T) {
	program, python := trainProgram(t), environment(t)
	cmd, output := torchrun(t.Context(), python, t.TempDir(), []string{program, "--data", "missing", "--epochs", "0"})
	err := cmd.Run()
	if want := "traceback : --epochs 0: must be"; err == nil || !strings.Contains(output.String(), want) {
		t.Errorf("%v, want %q in\n%s", err, want, output)
	}
}

// torchrun prepares two ranks of a command in a folder.
func torchrun(ctx context.Context, python, folder string, command []string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, python, append([]string{"-m", "torch.distributed.run", "--no-python", "--nproc-per-node", "2"}, command...)...)
	var output bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = folder, &output, &output, 10*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // which ends the ranks too
	return cmd, &output
}

// undisturbed returns the folder of a run that --nproc starts.
func undisturbed(t *testing.T, program string, arguments []string) string {
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--nproc", "2", "--out", "run"}, arguments...)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(folder, "run")
}

// weightsHash is that of the weights of the best epoch.
func weightsHash(t *testing.T, run string) string {
	text, err := os.ReadFile(filepath.Join(run, "best.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// awaitStep waits until a run has recorded a step.
func awaitStep(t *testing.T, run string, step int64) {
	for range 6000 {
		h, err := history.Read(filepath.Join(run, "events.jsonl"))
		if err == nil && h.LastStep >= step {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: no step %d", run, step)
}

// rankOf returns the process of a rank among the children of torchrun.
func rankOf(t *testing.T, parent, rank int) int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is valid
	for _, file := range files {
		environment, err := os.ReadFile(file)
		status, err2 := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if err != nil || err2 != nil || !strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", parent)) {
			continue
		}
		if strings.Contains("\x00"+string(environment), fmt.Sprintf("\x00RANK=%d\x00", rank)) {
			var pid int
			if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(file)), "%d", &pid); err == nil {
				return pid
			}
		}
	}
	t.Fatalf("torchrun has no rank %d", rank)
	return 0
}
