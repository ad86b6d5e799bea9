//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/report/history"
)

// killsVariable is the number of kills of TestKillsOfRanks. Where it is set, TestFaultsOfRanks tries all faults, otherwise those that
// end soon.
const killsVariable = "DEPTHWISE_TEST_KILLS"

// faultLimit is the time within which the other ranks must end after one has failed.
const faultLimit = 10 * time.Second

// started is a process of the program with its ranks.
type started struct {
	*exec.Cmd
	output bytes.Buffer
	done   chan struct{}
	ended  time.Time
}

// start starts the program in a process group of its own. It is killed at the end of the test.
func start(t *testing.T, args ...string) *started {
	t.Helper()
	p := &started{Cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.Env = append(os.Environ(), programVariable+"=1")
	p.Stdout, p.Stderr, p.WaitDelay = &p.output, &p.output, time.Second
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.Wait() // ProcessState says how it ended
		p.ended = time.Now()
	}()
	t.Cleanup(func() { _ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL); <-p.done })
	return p
}

// wait waits until the program has ended and returns what it printed.
func (p *started) wait(t *testing.T, limit time.Duration) string {
	t.Helper()
	select {
	case <-p.done:
		return p.output.String()
	case <-time.After(limit):
		_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
		<-p.done
		t.Fatalf("not ended within %v:\n%s", limit, &p.output)
		return ""
	}
}

// awaitStep waits until the run has recorded a step.
func (p *started) awaitStep(t *testing.T, run string, step int64) {
	t.Helper()
	r := history.NewReader(filepath.Join(run, "events.jsonl"))
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if h, err := r.Update(); err == nil && h.LastStep >= step && h.Done == nil {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("ended before step %d:\n%s", step, &p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatalf("no step %d", step)
}

func lastStep(t *testing.T, run string) int64 {
	t.Helper()
	h, err := history.Read(filepath.Join(run, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return h.LastStep
}

// rank returns the process of a rank that --nproc has started.
func (p *started) rank(t *testing.T, rank int) int {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is valid
	for _, file := range files {
		environment, err := os.ReadFile(file)
		status, err2 := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if err != nil || err2 != nil || !strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", p.Process.Pid)) {
			continue
		}
		if strings.Contains("\x00"+string(environment), fmt.Sprintf("\x00RANK=%d\x00", rank)) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				return pid
			}
		}
	}
	t.Fatalf("no rank %d", rank)
	return 0
}

// running reports whether a process exists and has not ended.
func running(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// ranksOf are the arguments of a run of two ranks, of epochs of 2 steps.
func ranksOf(data, run string, epochs int) []string {
	return []string{"--data", data, "--out", run, "--nproc", "2", "--width", "0.25", "--resolution", "32", "--epochs", strconv.Itoa(epochs), "--batch-size", "5", "--workers", "1",
		"--threads", "1", "--precision", "fp32", "--device", "cpu", "--lr", "0.02", "--checkpoint-every", "5steps", "--progress", "plain", "--report=false"}
}

// A fault is what happens to a run with ranks, and what it must say.
type fault struct {
	name   string
	signal syscall.Signal
	to     int // rank; -1: to the program that started them, -2: to all, as Ctrl-C does
	code   int
	want   string // regular expression; VICTIM is the process that got the signal
	saved  bool   // a checkpoint is written
}

var faults = []fault{
	{"SIGKILL of rank 1", syscall.SIGKILL, 1, 137, `(?m)^error: rank 1 \(\S+, pid VICTIM\) has not been heard of for .*\n(.*\n)*error: rank 1 of 2 \(pid VICTIM\) was ended by signal 9`, false},
	{"SIGTERM to rank 1", syscall.SIGTERM, 1, exitInterrupted, `checkpoint of step \d+ written; continue with:\n.* resume \S+ --nproc 2\n$`, true},
	{"SIGKILL of rank 0", syscall.SIGKILL, 0, 137, `(?m)^\[rank 1\] error: rank 0 \(\S+, pid VICTIM\) has ended(.*\n)*error: rank 0 of 2 \(pid VICTIM\) was ended by signal 9`, false},
	{"SIGTERM to rank 0", syscall.SIGTERM, 0, exitInterrupted, `checkpoint of step \d+ written; continue with:\n.* resume \S+ --nproc 2\n$`, true},
	{"SIGSTOP of rank 1", syscall.SIGSTOP, 1, 3, `(?m)^error: rank 1 \(\S+, pid VICTIM\) has not been heard of for [5-7].*stopped`, false},
	{"Ctrl-C", syscall.SIGINT, -2, exitInterrupted, `checkpoint of step \d+ written; continue with:\n.* resume \S+ --nproc 2\n$`, true},
	{"SIGSTOP of rank 0", syscall.SIGSTOP, 0, 3, `(?m)^\[rank 1\] error: rank 0 \(\S+, pid VICTIM\) has not been heard of for [5-7].*stopped`, false},
	{"SIGTERM to the program", syscall.SIGTERM, -1, exitInterrupted, `checkpoint of step \d+ written; continue with:\n.* resume \S+ --nproc 2\n$`, true},
}

// TestFaultsOfRanks lets a run of two processes end in each way, and continues it: the others end within 10 seconds, what was
// saved is continued, and the run ends with the weights of one that was not disturbed.
func TestFaultsOfRanks(t *testing.T) {
	data, dir := pictures(t), t.TempDir()
	list := faults
	if os.Getenv(killsVariable) == "" {
		list = faults[:3]
	}
	epochs := 15 * (len(list) + 1)
	want := filepath.Join(dir, "undisturbed")
	start(t, ranksOf(data, want, epochs)...).wait(t, 5*time.Minute)
	run := filepath.Join(dir, "run")
	args := ranksOf(data, run, epochs)
	for i, f := range list {
		t.Run(f.name, func(t *testing.T) {
			p := start(t, args...)
			p.awaitStep(t, run, int64(10+30*i))
			f.check(t, p)
		})
		args = []string{"resume", run, "--nproc", "2", "--threads", "1", "--progress", "plain", "--report=false"}
	}
	p := start(t, args...)
	if output := p.wait(t, 5*time.Minute); p.ProcessState.ExitCode() != exitDone {
		t.Fatalf("exit code %d:\n%s", p.ProcessState.ExitCode(), output)
	}
	sameFile(t, filepath.Join(run, "best.safetensors"), filepath.Join(want, "best.safetensors"))
	checkStepsOnce(t, run, 2*epochs)
}

// TestStopOfAllRanks stops all processes for longer than a rank may be silent, as Ctrl-Z does, and one for less: the run goes on.
func TestStopOfAllRanks(t *testing.T) {
	all := os.Getenv(killsVariable) != ""
	length, epochs := 1500*time.Millisecond, 100 // by default the first case alone, for a shorter time
	if all {
		length, epochs = 8*time.Second, 400
	}
	run := filepath.Join(t.TempDir(), "run")
	p := start(t, ranksOf(pictures(t), run, epochs)...)
	for i, c := range []struct {
		process func() int
		signal  syscall.Signal
		length  time.Duration
	}{
		{func() int { return -p.Process.Pid }, syscall.SIGTSTP, length},
		{func() int { return p.rank(t, 0) }, syscall.SIGSTOP, 3 * time.Second},
		{func() int { return p.rank(t, 1) }, syscall.SIGSTOP, 3 * time.Second},
	} {
		if i > 0 && !all {
			break
		}
		p.awaitStep(t, run, int64(20+60*i))
		pid := c.process()
		if err := syscall.Kill(pid, c.signal); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		before := lastStep(t, run)
		time.Sleep(c.length - time.Second)
		if after := lastStep(t, run); after != before {
			t.Errorf("case %d: trained from step %d to %d", i, before, after)
		}
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if output := p.wait(t, 2*time.Minute); p.ProcessState.ExitCode() != exitDone {
		t.Errorf("exit code %d:\n%s", p.ProcessState.ExitCode(), output)
	}
	checkStepsOnce(t, run, 2*epochs)
}

// check signals a run and checks how it ends.
func (f fault) check(t *testing.T, p *started) {
	pids := []int{p.rank(t, 0), p.rank(t, 1)}
	victim := p.Process.Pid
	switch {
	case f.to >= 0:
		victim = pids[f.to]
	case f.to == -2:
		victim = -victim
	}
	at := time.Now()
	if err := syscall.Kill(victim, f.signal); err != nil {
		t.Fatal(err)
	}
	for rank, pid := range pids {
		for rank != f.to && running(pid) && time.Since(at) < faultLimit {
			time.Sleep(10 * time.Millisecond)
		}
		if rank != f.to {
			t.Logf("rank %d ended after %.1f s", rank, time.Since(at).Seconds())
			if running(pid) {
				t.Errorf("rank %d runs %v after the signal", rank, faultLimit)
			}
		}
	}
	output := p.wait(t, 30*time.Second)
	t.Logf("the program ended after %.1f s", p.ended.Sub(at).Seconds())
	want := regexp.MustCompile(strings.ReplaceAll(f.want, "VICTIM", strconv.Itoa(victim)))
	if code := p.ProcessState.ExitCode(); code != f.code || !want.MatchString(output) {
		t.Errorf("exit code %d, want %d and %v in\n%s", code, f.code, want, output)
	}
	if got := strings.Count(output, "checkpoint of step "); f.saved && got != 1 || !f.saved && got != 0 {
		t.Errorf("%d checkpoints because of the signal:\n%s", got, output)
	}
}

// checkStepsOnce checks that a run has recorded each of its steps once.
func checkStepsOnce(t *testing.T, run string, steps int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range []struct {
		event string
		count int
	}{{`"event":"step"`, steps}, {`"status":"finished"`, 1}} {
		if got := strings.Count(string(text), match.event); got != match.count {
			t.Errorf("%d events with %s, want %d", got, match.event, match.count)
		}
	}
}

// TestKillsOfRanks kills random ranks at random steps, and continues the run each time: nothing is lost.
func TestKillsOfRanks(t *testing.T) {
	kills, err := strconv.Atoi(cmp.Or(os.Getenv(killsVariable), "2"))
	if err != nil {
		t.Fatal(err)
	}
	data, dir := pictures(t), t.TempDir()
	epochs := 10 * (kills + 1)
	want, run := filepath.Join(dir, "undisturbed"), filepath.Join(dir, "run")
	start(t, ranksOf(data, want, epochs)...).wait(t, 10*time.Minute)
	args := ranksOf(data, run, epochs)
	rng := rand.New(rand.NewPCG(20, 1))
	for i := range kills {
		p := start(t, args...)
		step, rank := int64(20*i+1+rng.IntN(15)), rng.IntN(2)
		p.awaitStep(t, run, step)
		at := time.Now()
		if err := syscall.Kill(p.rank(t, rank), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.wait(t, faultLimit)
		t.Logf("SIGKILL of rank %d at step %d: all ended after %.1f s", rank, step, p.ended.Sub(at).Seconds())
		args = []string{"resume", run, "--nproc", "2", "--threads", "1", "--progress", "plain", "--report=false"}
	}
	p := start(t, args...)
	if output := p.wait(t, 10*time.Minute); p.ProcessState.ExitCode() != exitDone {
		t.Fatalf("exit code %d:\n%s", p.ProcessState.ExitCode(), output)
	}
	sameFile(t, filepath.Join(run, "best.safetensors"), filepath.Join(want, "best.safetensors"))
	checkStepsOnce(t, run, 2*epochs)
}
