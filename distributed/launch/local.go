package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Local starts the ranks of this machine, as torchrun does: each is a process with torchrun's variables.
type Local struct {
	Env     Env      // Spawn ranks are started, those from Rank on. Port 0: a free one
	Program string   // file of the program
	Args    []string // of all ranks, as os.Args: from the name of the program on
	Environ []string // environment of all ranks, as os.Environ; Local adds what distinguishes them
	// Stdout and Stderr are those of the first of the ranks, so that its progress bar works. The lines of the others
	// follow "[rank 1] ".
	Stdout, Stderr io.Writer
	// Terminal: Stderr is a terminal, on which the first rank may have a progress bar. Lines of the others replace it until it
	// is drawn again.
	Terminal bool
	Patience Patience // zero: defaults
}

// Patience is how long ranks may take to end.
type Patience struct {
	Own  time.Duration // by themselves, after another has failed. 0: 2 s, in which they say why they end
	Term time.Duration // after SIGTERM, until SIGKILL. 0: 3 s
	Last time.Duration // after an interrupted rank has ended; until then they write a checkpoint. 0: 10 s
}

func (p Patience) withDefaults() Patience {
	set := func(d *time.Duration, byDefault time.Duration) {
		if *d == 0 {
			*d = byDefault
		}
	}
	set(&p.Own, 2*time.Second)
	set(&p.Term, 3*time.Second)
	set(&p.Last, 10*time.Second)
	return p
}

// A Failure is how the first rank that failed ended.
type Failure struct {
	Rank, Size, PID int
	Code            int            // exit code
	Signal          syscall.Signal // that ended it; 0: none
	Interrupted     bool           // the ranks were asked to end
}

// OtherFailed is the exit code of a rank that ended because another one failed. The failure of that other rank counts,
// whichever ends first.
const OtherFailed = 3

// Error says how the rank ended. The reason is in its own messages.
func (f *Failure) Error() string {
	how := fmt.Sprintf("ended with exit code %d", f.Code)
	switch {
	case f.Signal != 0:
		how = fmt.Sprintf("was ended by signal %d (%v)", f.Signal, f.Signal)
	case f.Code == OtherFailed:
		return fmt.Sprintf("rank %d of %d (pid %d) ended because it lost another rank, which it names above, so the others were ended too", f.Rank, f.Size, f.PID)
	}
	return fmt.Sprintf("rank %d of %d (pid %d) %s, so the others were ended too; its messages, if any, are above", f.Rank, f.Size, f.PID, how)
}

// cause is which of two failures, in their order, led to the other. A rank that was stopped or ended by this process because of
// the first one is no cause.
func (f *Failure) cause(later *Failure) *Failure {
	if f.Code == OtherFailed && later.Code != OtherFailed && later.Signal == 0 {
		return later
	}
	return f
}

// ExitCode is that of the rank, or 128 and the number of its signal as in a shell.
func (f *Failure) ExitCode() int {
	if f.Signal != 0 {
		return 128 + int(f.Signal)
	}
	return f.Code
}

// Run starts the ranks and returns when all have ended: nil if all succeeded, otherwise a *[Failure] of the first that did
// not. One failure ends all. When ctx ends, each rank gets SIGTERM once. If this process is killed, the ranks get SIGTERM
// too (on Linux).
func (l Local) Run(ctx context.Context) error {
	if l.Env.Port == 0 {
		port, err := FreePort()
		if err != nil {
			return fmt.Errorf("launch: find a free port: %w", err)
		}
		l.Env.Port = port
	}
	runtime.LockOSThread() // the system signals the ranks when the thread that started them ends
	defer runtime.UnlockOSThread()
	r := running{Local: l, ended: make(chan ending), started: make([]*exec.Cmd, l.Env.Spawn)}
	r.Patience = r.Patience.withDefaults()
	for i := range r.started {
		if err := r.start(i); err != nil {
			r.failed = &Failure{}
			r.signal(syscall.SIGKILL)
			_ = r.wait(context.Background())
			return err
		}
	}
	if failure := r.wait(ctx); failure != nil {
		return failure
	}
	return nil
}

// Started reports whether [Local] started this process, whose parent says when it is interrupted.
func Started(getenv func(string) string) bool { return getenv(launcherVariable) != "" }

// FreePort returns a port of the loopback interface on which nothing listens now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(localhost, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// running is the ranks that have been started.
type running struct {
	Local
	started []*exec.Cmd
	left    int // that have not ended
	ended   chan ending
	output  sync.Mutex // of the lines of the ranks
	failed  *Failure
}

// ending is how a rank ended.
type ending struct {
	i   int
	err error
}

// variables are those of rank i of this machine, as torchrun sets them.
func (r *running) variables(i int) []string {
	e := r.Env
	launcher := e.Launcher
	if launcher == "" {
		launcher = NProc
	}
	return []string{launcherVariable + "=" + launcher, "RANK=" + strconv.Itoa(e.Rank+i), "WORLD_SIZE=" + strconv.Itoa(e.Size), "LOCAL_RANK=" + strconv.Itoa(i),
		"LOCAL_WORLD_SIZE=" + strconv.Itoa(e.LocalSize), "MASTER_ADDR=" + e.Host, "MASTER_PORT=" + strconv.Itoa(e.Port)}
}

func (r *running) start(i int) error {
	cmd := &exec.Cmd{Path: r.Program, Args: r.Args}
	cmd.Env = append(r.Environ[:len(r.Environ):len(r.Environ)], r.variables(i)...) // the last value of a variable counts
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = time.Second // a process that a rank leaves behind may keep its output open
	cmd.Stdout, cmd.Stderr = inherited(r.Stdout, &r.output), inherited(r.Stderr, &r.output)
	if i > 0 {
		prefix := fmt.Sprintf("[rank %d] ", r.Env.Rank+i)
		out, errs := &lines{w: r.Stdout, mu: &r.output, prefix: prefix}, &lines{w: r.Stderr, mu: &r.output, prefix: prefix}
		if r.Terminal {
			errs.prefix = clearLine + prefix
		}
		cmd.Stdout, cmd.Stderr = out, errs
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("launch: start rank %d: %w", r.Env.Rank+i, err)
	}
	r.started[i] = cmd
	r.left++
	go func() {
		err := cmd.Wait()
		for _, w := range []io.Writer{cmd.Stdout, cmd.Stderr} {
			if l, ok := w.(*lines); ok {
				l.flush()
			}
		}
		r.ended <- ending{i, err}
	}()
	return nil
}

// clearLine clears the line of the terminal on which a bar may be.
const clearLine = "\r\x1b[0K"

// wait returns when all ranks have ended, and makes them end when one fails or ctx ends.
func (r *running) wait(ctx context.Context) *Failure {
	interrupted := ctx.Done()
	suspended, continued, release := jobControl()
	defer release()
	var own, kill <-chan time.Time
	for r.left > 0 {
		select {
		case <-interrupted:
			interrupted = nil
			r.signal(syscall.SIGTERM)
		case <-suspended:
			r.send(syscall.SIGSTOP)
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) // this process may signal itself
		case <-continued:
			r.send(syscall.SIGCONT)
		case <-own:
			r.signal(syscall.SIGTERM)
			kill = time.After(r.Patience.Term)
		case <-kill:
			r.signal(syscall.SIGKILL)
		case e := <-r.ended:
			failure := r.end(e)
			if failure == nil {
				continue
			}
			if r.failed != nil {
				r.failed = r.failed.cause(failure)
				continue
			}
			r.failed = failure
			if failure.Interrupted = ctx.Err() != nil; failure.Interrupted {
				kill = time.After(r.Patience.Last)
			} else {
				own = time.After(r.Patience.Own)
			}
		}
	}
	return r.failed
}

// signal sends a signal to all ranks that have not ended. One that was stopped (SIGSTOP) continues, to receive it.
func (r *running) signal(s syscall.Signal) {
	r.send(s)
	r.send(syscall.SIGCONT)
}

func (r *running) send(s syscall.Signal) {
	for _, cmd := range r.started {
		if cmd != nil {
			_ = cmd.Process.Signal(s) // an error means that it has just ended
		}
	}
}

// end notes that a rank has ended, and returns how it failed, or nil.
func (r *running) end(e ending) *Failure {
	cmd := r.started[e.i]
	r.started[e.i] = nil
	r.left--
	if e.err == nil || errors.Is(e.err, exec.ErrWaitDelay) {
		return nil
	}
	f := &Failure{Rank: r.Env.Rank + e.i, Size: r.Env.Size, PID: cmd.Process.Pid, Code: 1}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		if f.Code = status.ExitStatus(); status.Signaled() {
			f.Signal = status.Signal()
		}
	}
	return f
}
