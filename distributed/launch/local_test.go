package launch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// rankVariable makes the test program behave as a rank: its value says how.
const rankVariable = "LAUNCH_TEST_RANK"

func TestMain(m *testing.M) {
	if act := ranks[os.Getenv(rankVariable)]; act != nil {
		os.Exit(act(os.Getenv("RANK")))
	}
	os.Exit(m.Run())
}

// ranks are what a rank of a test does. Each returns the exit code.
var ranks = map[string]func(rank string) int{
	"print": func(rank string) int {
		e, err := Detect(os.Getenv)
		fmt.Printf("%v %v %d/%d\n", e, err, e.LocalRank, e.LocalSize)
		fmt.Fprintf(os.Stderr, "store %s\n", e.Host)
		fmt.Fprintf(os.Stderr, "no line break")
		return 0
	},
	"fail": func(rank string) int {
		if rank == "1" {
			return 7
		}
		return untilTerm(0)
	},
	"lose": func(rank string) int {
		if rank == "1" {
			return OtherFailed
		}
		return untilTerm(0)
	},
	"fail later": func(rank string) int {
		if rank == "1" {
			return OtherFailed
		}
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(300 * time.Millisecond) // it tells the others why before it ends
		return 7
	},
	"killed": func(rank string) int {
		if rank == "1" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return untilTerm(0)
	},
	"stopped": func(rank string) int {
		file := os.Getenv("LAUNCH_TEST_FILE")
		if rank == "1" {
			awaitFile(file)
			return 6
		}
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		_ = os.WriteFile(file, nil, 0o600)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-signals
		fmt.Println("terminated")
		return 0
	},
	"ignores SIGTERM": func(rank string) int {
		if rank == "0" {
			awaitFile(os.Getenv("LAUNCH_TEST_FILE"))
			return 4
		}
		signal.Ignore(syscall.SIGTERM)
		_ = os.WriteFile(os.Getenv("LAUNCH_TEST_FILE"), nil, 0o600)
		time.Sleep(time.Hour)
		return 0
	},
	"wait": func(rank string) int { return untilTerm(130) },
	"fail alone": func(rank string) int {
		if rank == "0" {
			return 5
		}
		return 0
	},
	"parent": func(string) int {
		program, _ := os.Executable()
		os.Setenv(rankVariable, "wait")
		_ = Local{Env: Env{Size: 2, LocalSize: 2, Spawn: 2, Host: localhost}, Program: program, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}.Run(context.Background())
		return 0
	},
}

// awaitFile waits until a file exists.
func awaitFile(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// untilTerm prints the number of the process, waits for SIGTERM, counts those that come within 100 ms, and returns a code.
func untilTerm(code int) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Printf("pid %d\n", os.Getpid())
	<-signals
	count := 1
	for more := true; more; {
		select {
		case <-signals:
			count++
		case <-time.After(100 * time.Millisecond):
			more = false
		}
	}
	fmt.Printf("terminated %d\n", count)
	return code
}

// local returns two ranks that do what is named, and what they print.
func local(t *testing.T, act string) (l Local, stdout, stderr *output) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &output{}, &output{}
	return Local{Env: Env{Size: 2, LocalSize: 2, Spawn: 2, Host: localhost}, Program: program, Environ: append(os.Environ(), rankVariable+"="+act), Stdout: stdout, Stderr: stderr,
		Patience: Patience{Own: time.Millisecond}}, stdout, stderr
}

// output is what several goroutines wrote.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := strings.Split(strings.TrimSuffix(o.text.String(), "\n"), "\n")
	slices.Sort(list)
	return list
}

// await waits until some text was written a number of times.
func (o *output) await(t *testing.T, text string, times int) {
	t.Helper()
	for range 600 {
		if strings.Count(strings.Join(o.lines(), "\n"), text) >= times {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no %d times %q in %q", times, text, o.lines())
}

func TestLocal(t *testing.T) {
	l, stdout, stderr := local(t, "print")
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"[rank 1] rank 1 of 2 (--nproc) <nil> 1/2", "rank 0 of 2 (--nproc) <nil> 0/2"}; !slices.Equal(stdout.lines(), want) {
		t.Errorf("standard output %q, want %q", stdout.lines(), want)
	}
	for _, want := range []string{"[rank 1] store 127.0.0.1", "[rank 1] no line break", "store 127.0.0.1"} {
		if !strings.Contains(stderr.text.String(), want) {
			t.Errorf("standard error %q, want %q in it", stderr.text.String(), want)
		}
	}
}

// TestLocalNode: the ranks of a node of several count from its first one, and find the store of the first node.
func TestLocalNode(t *testing.T) {
	l, stdout, stderr := local(t, "print")
	l.Env = Env{Launcher: Kubeflow, Rank: 4, Size: 6, LocalSize: 2, Spawn: 2, Host: "node0", Port: 29500}
	l.Terminal = true
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"[rank 5] rank 5 of 6 (Kubeflow) <nil> 1/2", "rank 4 of 6 (Kubeflow) <nil> 0/2"}; !slices.Equal(stdout.lines(), want) {
		t.Errorf("standard output %q, want %q", stdout.lines(), want)
	}
	if want := "\r\x1b[0K[rank 5] store node0\n"; !strings.Contains(stderr.text.String(), want) {
		t.Errorf("standard error %q, want %q in it", stderr.text.String(), want)
	}
}

func TestLocalFailures(t *testing.T) {
	tests := []struct {
		act  string
		want Failure
		code int
		text string
	}{
		{"fail", Failure{Rank: 1, Size: 2, Code: 7}, 7, "ended with exit code 7, so the others were ended too"},
		{"lose", Failure{Rank: 1, Size: 2, Code: OtherFailed}, OtherFailed, "ended because it lost another rank, which it names above"},
		{"fail later", Failure{Rank: 0, Size: 2, Code: 7}, 7, "ended with exit code 7"},
		{"killed", Failure{Rank: 1, Size: 2, Code: -1, Signal: syscall.SIGKILL}, 137, "was ended by signal 9 (killed)"},
		{"fail alone", Failure{Rank: 0, Size: 2, Code: 5}, 5, "rank 0 of 2 (pid "},
	}
	for _, tt := range tests {
		t.Run(tt.act, func(t *testing.T) {
			l, _, _ := local(t, tt.act)
			err := l.Run(t.Context())
			f, ok := errors.AsType[*Failure](err)
			if !ok {
				t.Fatalf("error %v, want a failure", err)
			}
			got := *f
			if got.PID = 0; got != tt.want || f.PID == 0 || f.ExitCode() != tt.code || !strings.Contains(f.Error(), tt.text) {
				t.Errorf("%+v with exit code %d: %v; want %+v, %d, %q", f, f.ExitCode(), f, tt.want, tt.code, tt.text)
			}
		})
	}
}

// TestLocalKills: a rank that does not react to SIGTERM is killed.
func TestLocalKills(t *testing.T) {
	l, _, _ := local(t, "ignores SIGTERM")
	l.Environ = append(l.Environ, "LAUNCH_TEST_FILE="+filepath.Join(t.TempDir(), "ready"))
	l.Patience.Term = 50 * time.Millisecond
	err := l.Run(t.Context())
	if f, ok := errors.AsType[*Failure](err); !ok || f.Rank != 0 || f.Code != 4 {
		t.Errorf("%v, want the failure of rank 0 with code 4", err)
	}
}

// TestLocalStopped: a rank that was stopped (SIGSTOP) gets SIGTERM too, and need not be killed.
func TestLocalStopped(t *testing.T) {
	l, stdout, _ := local(t, "stopped")
	l.Environ = append(l.Environ, "LAUNCH_TEST_FILE="+filepath.Join(t.TempDir(), "ready"))
	l.Patience.Term = time.Minute
	err := l.Run(t.Context())
	if f, ok := errors.AsType[*Failure](err); !ok || f.Rank != 1 || !slices.Contains(stdout.lines(), "terminated") {
		t.Errorf("%v, output %q; want the failure of rank 1, and that rank 0 was terminated", err, stdout.lines())
	}
}

// TestLocalInterrupt: an interruption reaches each rank once, and is no failure.
func TestLocalInterrupt(t *testing.T) {
	l, stdout, _ := local(t, "wait")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		stdout.await(t, "pid ", 2)
		cancel()
	}()
	err := l.Run(ctx)
	if f, ok := errors.AsType[*Failure](err); !ok || !f.Interrupted || f.ExitCode() != 130 {
		t.Errorf("%v, want an interruption with exit code 130", err)
	}
	stdout.await(t, "terminated 1", 2)
}

func TestLocalCannotStart(t *testing.T) {
	l, _, _ := local(t, "wait")
	l.Program += ".missing"
	if err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "launch: start rank 0: ") {
		t.Errorf("%v, want that rank 0 cannot start", err)
	}
}

// TestLocalOrphans: when the process that started ranks is killed, they end.
func TestLocalOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux signals processes whose parent ended")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(program)
	parent.Env = append(os.Environ(), rankVariable+"=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && read.Scan() {
		_, number, _ := strings.Cut(read.Text(), "pid ")
		if pid, err := strconv.Atoi(number); err == nil {
			pids = append(pids, pid)
		}
	}
	_ = parent.Process.Kill()
	_, _ = io.Copy(io.Discard, out) // until the last rank, which inherits it, has ended
	_ = parent.Wait()
	for _, pid := range pids {
		if err := alive(pid); err != nil {
			t.Error(err)
		}
	}
	if len(pids) != 2 {
		t.Errorf("%d ranks started, want 2", len(pids))
	}
}

// alive returns an error if a process does not end.
func alive(pid int) error {
	for range 600 {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(status), ") Z ") {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("process %d is still running", pid)
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	l := &lines{w: &b, mu: new(sync.Mutex), prefix: "> "}
	for _, part := range []string{"a", "b\nc\r\n", "", "\n", "d"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v of %q", n, err, part)
		}
	}
	l.flush()
	if got, want := b.String(), "> ab\n> c\n> \n> d\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.Reset()
	l.Write(bytes.Repeat([]byte("x"), 3*longestLine))
	if got := strings.Count(b.String(), "\n"); got != 3 {
		t.Errorf("%d lines of 3 times the longest, want 3", got)
	}
}
