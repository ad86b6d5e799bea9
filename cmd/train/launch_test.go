package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/distributed/launch"
	"depthwise.dev/internal/host"
)

// programVariable makes the test program behave as the program itself.
const programVariable = "DEPTHWISE_TEST_PROGRAM"

// TestMain makes the test program behave as the program, and as the ranks that --nproc starts.
func TestMain(m *testing.M) {
	if os.Getenv("DEPTHWISE_LAUNCHER") != "" || os.Getenv(programVariable) != "" {
		os.Exit(run(untilInterrupted(context.Background(), os.Stderr), os.Args[1:], os.Stdout, os.Stderr))
	}
	code := m.Run()
	os.RemoveAll(programFolder)
	os.Exit(code)
}

// rankOf sets the variables of a rank of torchrun.
func rankOf(t *testing.T, changes map[string]string) {
	t.Helper()
	for name, value := range map[string]string{"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1",
		"TORCHELASTIC_RUN_ID": "job", "TORCHELASTIC_RESTART_COUNT": "0", "TORCHELASTIC_USE_AGENT_STORE": "True"} {
		t.Setenv(name, value)
	}
	for name, value := range changes {
		t.Setenv(name, value)
	}
	t.Cleanup(func() { host.Divide(0) })
}

// TestLaunchUsage: what contradicts the launcher is refused before anything is read or written.
func TestLaunchUsage(t *testing.T) {
	data := pictures(t)
	for _, c := range []struct {
		name string
		env  map[string]string // nil: not started by torchrun
		args string
		want string
	}{
		{"no processes", nil, "--data DATA --nproc 0", "--nproc 0: must be at least 1"},
		{"fewer than none", nil, "--data DATA --nproc=-2", "--nproc -2: must be at least 1"},
		{"a word", nil, "--data DATA --nproc many", "--nproc"},
		{"no time", nil, "--data DATA --nproc 2 --dist-timeout 0s", "--dist-timeout 0s: must be longer than 0, such as 30m"},
		{"a wrong setting is reported once", nil, "--data DATA --nproc 2 --epochs 0", "error: --epochs 0"},
		{"--nproc in a rank of torchrun", map[string]string{}, "--data DATA --nproc 2", "--nproc 2: this is rank 1 of 2 (torchrun) already: omit --nproc"},
		{"a missing variable", map[string]string{"WORLD_SIZE": ""}, "--data DATA", "(torchrun): WORLD_SIZE is not set; seen: RANK=1"},
		{"a contradiction", map[string]string{"RANK": "2"}, "--data DATA", "RANK is 2, which is no rank of WORLD_SIZE=2"},
		{"one GPU for two ranks", map[string]string{}, "--data DATA --device cuda:0", "--device cuda:0 is one GPU, and this machine has 2 ranks: with --device cuda each takes the GPU of its number"},
		{"another command", map[string]string{}, "eval --weights w --data DATA", "train eval runs in one process, and this is rank 1 of 2 (torchrun): start it without torchrun"},
		{"the search for a learning rate", map[string]string{}, "lr-find --data DATA", "train lr-find runs in one process, and this is rank 1 of 2 (torchrun)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != nil {
				rankOf(t, c.env)
			}
			t.Chdir(t.TempDir())
			code, stdout, stderr := execute(t, strings.Fields(strings.ReplaceAll(c.args, "DATA", data))...)
			if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, output %q, errors %q; want one line with %q", code, stdout, stderr, c.want)
			}
			if files, _ := os.ReadDir("."); len(files) > 0 {
				t.Errorf("%v was written", files[0])
			}
		})
	}
}

// TestOtherCommandsInRanks: commands that compute nothing, and all commands under a launcher that starts any program, run.
func TestOtherCommandsInRanks(t *testing.T) {
	rankOf(t, nil)
	if code, _, stderr := execute(t, "summary", "--width", "0.25"); code != exitDone {
		t.Errorf("summary: exit code %d, %s", code, stderr)
	}
	rankOf(t, map[string]string{"TORCHELASTIC_RUN_ID": "", "LOCAL_RANK": "", "LOCAL_WORLD_SIZE": ""}) // as in a pod of Kubeflow
	if _, _, stderr := execute(t, "eval", "--weights", "missing.safetensors", "--data", "missing"); strings.Contains(stderr, "rank") {
		t.Errorf("eval in a pod: %s", stderr)
	}
	rankOf(t, map[string]string{"RANK": "5"}) // contradicts, which matters to training alone
	if _, _, stderr := execute(t, "eval", "--weights", "missing.safetensors", "--data", "missing"); strings.Contains(stderr, "RANK") {
		t.Errorf("eval with wrong variables: %s", stderr)
	}
}

// TestErrorFile: a failed rank writes why where torchrun reads it, an interrupted one or one that succeeds does not.
func TestErrorFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.json")
	t.Setenv(launch.ErrorFileVariable, path)
	if code, _, _ := execute(t, "--data", "missing", "--epochs", "1"); code == exitDone {
		t.Fatal("training without data succeeded")
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `{"message":{"message":"`) || !strings.Contains(string(text), "missing") {
		t.Errorf("%s, %v; want the error", text, err)
	}
	os.Remove(path)
	execute(t, "eval", "--data", "missing", "--weights", "missing") // not a rank, but perhaps a child of one
	if _, err := os.Stat(path); err == nil {
		t.Error("eval wrote the error of a rank")
	}
	cmd := configured(newSettings())
	tellTorchrun(cmd, exitInterrupted, context.Canceled)
	if _, err := os.Stat(path); err == nil {
		t.Error("an interruption is the error of a rank")
	}
}

// TestRestart: ranks that torchrun starts again continue their run, and no other.
func TestRestart(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		name, restarts, launch, resume, run, want string
	}{
		{"the first start", "0", "torchrun job", "", "", ""},
		{"a restart", "2", "torchrun job", "", "", "auto"},
		{"a restart of a run that continued a checkpoint", "1", "torchrun job", "a.safetensors", "", "auto"},
		{"a restart in the folder of another launch", "1", "torchrun yesterday", "", "", ""},
		{"a restart in the folder of a process alone", "1", "", "", "", ""},
		{"a restart of train resume CHECKPOINT", "1", "torchrun job", "", "RUN", "RUN/checkpoints/step-1.safetensors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rankOf(t, map[string]string{"TORCHELASTIC_RESTART_COUNT": c.restarts})
			dir := t.TempDir()
			text := "# launch: " + c.launch + "\nepochs: 1\n"
			if err := os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			s := newSettings()
			cmd := configured(s)
			if err := s.findRank(cmd); err != nil {
				t.Fatal(err)
			}
			s.Out, s.Resume, s.run = dir, c.resume, c.run
			if c.run != "" {
				s.Resume = c.want
			}
			s.continueRestart()
			if s.Resume != c.want {
				t.Errorf("resumes %q, want %q", s.Resume, c.want)
			}
		})
	}
}

func TestMayBeRestart(t *testing.T) {
	for _, c := range []struct {
		name string
		env  launch.Env
		want bool
	}{
		{"a process alone", launch.Env{}, false},
		{"the first start on one machine", launch.Env{Launcher: launch.Torchrun, Size: 2, LocalSize: 2, RunID: "job"}, false},
		{"a restart on one machine", launch.Env{Launcher: launch.Torchrun, Size: 2, LocalSize: 2, RunID: "job", Restarts: 1}, true},
		{"a start on two machines: the failure may have been on the other", launch.Env{Launcher: launch.Torchrun, Size: 4, LocalSize: 2, RunID: "job"}, true},
		{"a start on two machines without a name", launch.Env{Launcher: launch.Torchrun, Size: 4, LocalSize: 2, RunID: "none"}, false},
		{"the first start of Slurm on two machines", launch.Env{Launcher: launch.Slurm, Size: 4, LocalSize: 2, RunID: "7.0"}, false},
		{"a job that was requeued", launch.Env{Launcher: launch.Slurm, Size: 4, LocalSize: 2, RunID: "7.0", Restarts: 1}, true},
	} {
		if got := mayBeRestart(c.env); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestThreadsOfRanks: ranks divide the processors of their machine.
func TestThreadsOfRanks(t *testing.T) {
	t.Setenv("OMP_NUM_THREADS", "")
	all := host.Threads()
	rankOf(t, map[string]string{"WORLD_SIZE": "100", "LOCAL_WORLD_SIZE": "100"})
	s := newSettings()
	if err := s.findRank(configured(s)); err != nil {
		t.Fatal(err)
	}
	if got, want := host.Threads(), max(1, all/100); got != want {
		t.Errorf("%d threads, want %d of %d", got, want, all)
	}
}

// TestBatchScript: the script of a job of Slurm may start ranks of its own, as the error about it advises.
func TestBatchScript(t *testing.T) {
	for name, value := range map[string]string{"ENVIRONMENT": "BATCH", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "3", "SLURM_NODELIST": "n1", "SLURM_JOB_ID": "7"} {
		t.Setenv(name, value)
	}
	s := newSettings()
	cmd := configured(s)
	if err := s.findRank(cmd); err == nil || !strings.Contains(err.Error(), "--nproc 3") {
		t.Errorf("error %v, want one that advises --nproc 3", err)
	}
	if err := cmd.ParseFlags([]string{"--nproc", "3"}); err != nil {
		t.Fatal(err)
	}
	if err := s.findRank(cmd); err != nil || s.ranks.env.Spawn != 3 {
		t.Errorf("%v, %+v; want 3 ranks to start", err, s.ranks.env)
	}
	t.Setenv("SLURM_LOCALID", "")
	if err := s.findRank(cmd); err == nil {
		t.Errorf("%+v without SLURM_LOCALID", s.ranks.env)
	}
}

func TestOneThread(t *testing.T) {
	first := launch.Env{Launcher: launch.Torchrun, Size: 4, LocalSize: 2}
	second, slurm, alone := first, first, first
	second.Rank, slurm.Launcher, alone.LocalSize = 1, launch.Slurm, 1
	many, few := host.CPUs{Machine: 16, Allowed: 16, Cores: 16, Scheduled: 16, Ranks: 2}, host.CPUs{Machine: 2, Allowed: 2, Cores: 2, Scheduled: 2, Ranks: 2}
	for _, c := range []struct {
		name       string
		env        launch.Env
		configured int
		variable   string
		cpus       host.CPUs
		want       bool
	}{
		{"torchrun's choice", first, 0, "1", many, true},
		{"said once", second, 0, "1", many, false},
		{"the user's number", first, 0, "8", many, false},
		{"the user's flag", first, 1, "1", many, false},
		{"no number", first, 0, "", many, false},
		{"one core for each", first, 0, "1", few, false},
		{"one rank a machine, where torchrun sets nothing", alone, 0, "1", many, false},
		{"another launcher", slurm, 0, "1", many, false},
	} {
		text := oneThread(c.env, c.configured, c.variable, c.cpus)
		if (text != "") != c.want || c.want && !strings.Contains(text, "--threads 8 is each rank's part of this machine (16 physical cores for 2 ranks)") {
			t.Errorf("%s: %q", c.name, text)
		}
	}
}

// TestNProc starts ranks of this test program, which fail before they train.
func TestNProc(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := execute(t, "--data", "missing", "--nproc", "2")
	if code == exitDone || stdout != "" {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
	for _, want := range []string{"\n[rank 1] error: ", "error: rank "} {
		if !strings.Contains("\n"+stderr, want) {
			t.Errorf("errors %q, want %q", stderr, want)
		}
	}
}

// TestBatchSizeOfRanks: a batch size of the command line is that of each rank of this run, whatever number wrote the file.
func TestBatchSizeOfRanks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("data: photos\nbatch_size: 16\nranks: 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		args         []string
		batch, ranks int
	}{
		{"the file's", []string{"--config", file}, 16, 2},
		{"another batch size", []string{"--config", file, "--batch-size", "8"}, 8, 0},
		{"the same", []string{"--config", file, "--batch-size", "16"}, 16, 0},
	} {
		s := newSettings()
		cmd := configured(s)
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		if got, err := s.checked(cmd); err != nil || got.BatchSize != c.batch || got.Ranks != c.ranks {
			t.Errorf("%s: batch size %d on %d ranks, error %v; want %d on %d", c.name, got.BatchSize, got.Ranks, err, c.batch, c.ranks)
		}
	}
}
