package distributed_test

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/distributed/distributedtest"
)

// TestFaults lets a rank fail in each way, and requires that all others end soon, with its name and the cause.
func TestFaults(t *testing.T) {
	signal := func(sig syscall.Signal) func(*process) { return func(p *process) { p.command.Process.Signal(sig) } }
	for _, c := range []struct {
		name  string
		rank  int              // that fails
		fault string           // its own
		do    func(p *process) // to it
		want  string
	}{
		{name: "SIGKILL of rank 1", rank: 1, do: signal(syscall.SIGKILL), want: `rank 1 \(.+, pid PID\) has not been heard of for [\d.]+s: it has ended`},
		{name: "SIGKILL of rank 0", rank: 0, do: signal(syscall.SIGKILL), want: `rank 0 \(.+, pid PID\) has ended, or the connection to the store there was cut`},
		{name: "SIGSTOP of rank 2", rank: 2, do: signal(syscall.SIGSTOP), want: `rank 2 \(.+, pid PID\) has not been heard of for [\d.]+s: .*stopped`},
		{name: "SIGSTOP of rank 0", rank: 0, do: signal(syscall.SIGSTOP), want: `rank 0 \(.+, pid PID\) has not been heard of for [\d.]+s: .*stopped`},
		{name: "error of rank 1", rank: 1, fault: "error", want: `rank 1 \(.+, pid PID\) has failed: epoch 1 step 20: the loss is NaN`},
		{name: "error of rank 0", rank: 0, fault: "error", want: `rank 0 \(.+, pid PID\) has failed: epoch 1 step 20: the loss is NaN`},
		{name: "end of rank 2 without a word", rank: 2, fault: "exit", want: `rank 2 \(.+, pid PID\) has not been heard of for [\d.]+s: it has ended`},
		{name: "end of rank 0 without a word", rank: 0, fault: "exit", want: `rank 0 \(.+, pid PID\) has ended`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			port := distributedtest.FreePort(t)
			var ranks []*process
			for r := range 3 {
				fault := ""
				if r == c.rank {
					fault = c.fault
				}
				ranks = append(ranks, begin(t, child{Env: distributedtest.Env(r, 3, port), Fault: fault}))
			}
			training(t, ranks...)
			at := time.Now()
			if c.do != nil {
				c.do(ranks[c.rank])
			}
			want := regexp.MustCompile(strings.Replace(c.want, "PID", fmt.Sprint(ranks[c.rank].command.Process.Pid), 1))
			for r, p := range ranks {
				if r == c.rank {
					continue
				}
				p.wait(t, faultLimit)
				t.Logf("rank %d ended after %.1f s: %s", r, p.ended.Sub(at).Seconds(), p.output())
				if !want.MatchString(p.output()) {
					t.Errorf("rank %d printed\n%s\nwant %v", r, p.output(), want)
				}
				if p.command.ProcessState.ExitCode() == 0 {
					t.Errorf("rank %d ended with success", r)
				}
			}
		})
	}
}

// TestCutOff cuts a rank off from the store: it and the others end, each with the name of the one that it does not hear.
func TestCutOff(t *testing.T) {
	t.Parallel()
	port := distributedtest.FreePort(t)
	first := begin(t, child{Env: distributedtest.Env(0, 2, port)})
	cable := newRelay(t, port)
	second := begin(t, child{Env: distributedtest.Env(1, 2, cable.port)})
	training(t, first, second)
	at := time.Now()
	close(cable.cut)
	for r, p := range []*process{first, second} {
		p.wait(t, faultLimit)
		t.Logf("rank %d ended after %.1f s: %s", r, p.ended.Sub(at).Seconds(), p.output())
		if want := fmt.Sprintf("rank %d (", 1-r); !strings.Contains(p.output(), want) || !strings.Contains(p.output(), "has not been heard of for") {
			t.Errorf("rank %d printed\n%s\nwant %s and the cause", r, p.output(), want)
		}
	}
}
