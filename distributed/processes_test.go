package distributed_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
)

// rankVariable makes the test program a rank: its value is a child in JSON.
const rankVariable = "DEPTHWISE_TEST_RANK"

// silence of the tests is shorter than the default of 5 s, so that they take less time.
const silence = 2 * time.Second

// faultLimit is the time within which the ranks must end after one has failed.
const faultLimit = 10 * time.Second

// A child is what a process of these tests does: it joins and adds up numbers until the group fails.
type child struct {
	Env     launch.Env
	Timeout time.Duration
	Fault   string // after some sums: "error", "exit", "sleep"; "": none
	Sums    int    // 0: without an end
	Silence time.Duration
}

func TestMain(m *testing.M) {
	if text := os.Getenv(rankVariable); text != "" {
		var c child
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			panic(err)
		}
		if err := c.run(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func (c child) run() error {
	warn := func(message string) { fmt.Println("warning:", message) }
	g, err := distributed.Join(context.Background(), c.Env, distributed.Options{Timeout: c.Timeout, Silence: cmp.Or(c.Silence, silence), Warn: warn})
	if err != nil {
		return err
	}
	fmt.Println("joined")
	for n := 0; c.Sums == 0 || n < c.Sums; n++ {
		if n == 20 {
			fmt.Println("trained")
			if err := c.fault(); err != nil {
				g.Fail(err)
				return err
			}
		}
		values := []float64{float64(n)}
		if err := g.Sum(values); err != nil {
			g.Fail(err)
			return err
		}
		if want := float64(n * g.Size()); values[0] != want {
			return fmt.Errorf("sum is %v, want %v", values[0], want)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return g.Close()
}

func (c child) fault() error {
	switch c.Fault {
	case "error":
		return errors.New("epoch 1 step 20: the loss is NaN")
	case "exit":
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Hour)
	}
	return nil
}

// A process is a child that was started, and what it prints.
type process struct {
	command *exec.Cmd
	ended   time.Time
	mutex   sync.Mutex
	lines   []string
	done    chan struct{}
	trained chan struct{}
}

// begin starts a rank, and kills it at the end of the test.
func begin(t *testing.T, c child) *process {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{command: exec.Command(os.Args[0]), done: make(chan struct{}), trained: make(chan struct{})}
	p.command.Env = append(os.Environ(), rankVariable+"="+string(text), "OMP_NUM_THREADS=1")
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.command.Process.Kill(); <-p.done })
	go func() {
		defer close(p.done)
		for in := bufio.NewScanner(out); in.Scan(); {
			if in.Text() == "trained" {
				close(p.trained)
			}
			p.mutex.Lock()
			p.lines = append(p.lines, in.Text())
			p.mutex.Unlock()
		}
		p.command.Wait()
		p.ended = time.Now()
	}()
	return p
}

func (p *process) output() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return strings.Join(p.lines, "\n")
}

// wait waits until the process has ended.
func (p *process) wait(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("a rank has not ended within %v; it printed:\n%s", limit, p.output())
	}
}

// training waits until all ranks train.
func training(t *testing.T, ranks ...*process) {
	t.Helper()
	for _, p := range ranks {
		select {
		case <-p.trained:
		case <-p.done:
			t.Fatalf("a rank has ended:\n%s", p.output())
		case <-time.After(time.Minute):
			t.Fatalf("a rank does not train:\n%s", p.output())
		}
	}
}

// A relay passes connections on to an address until it is cut: it then passes nothing on, and closes nothing, as a network
// without a cable.
type relay struct {
	port int
	cut  chan struct{}
}

func newRelay(t *testing.T, to int) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &relay{port: l.Addr().(*net.TCPAddr).Port, cut: make(chan struct{})}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(to)))
			if err != nil {
				in.Close()
				continue
			}
			go r.pass(in, out)
			go r.pass(out, in)
		}
	}()
	return r
}

func (r *relay) pass(from, to net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		select {
		case <-r.cut:
			return
		default:
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}
