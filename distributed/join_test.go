package distributed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
	"depthwise.dev/distributed/launch"
)

// joinAll joins with each environment at once, and returns the errors. Those that join, close.
func joinAll(environments []launch.Env, o distributed.Options) []error {
	errs := make([]error, len(environments))
	var wait sync.WaitGroup
	for i, e := range environments {
		wait.Go(func() {
			g, err := distributed.Join(context.Background(), e, o)
			if err == nil {
				err = g.Close()
			}
			errs[i] = err
		})
	}
	wait.Wait()
	return errs
}

// TestJoinRefuses checks the errors of ranks that cannot form a group.
func TestJoinRefuses(t *testing.T) {
	short := distributed.Options{Timeout: 4 * time.Second} // also to join, on a busy machine
	for _, c := range []struct {
		name         string
		environments func(port int) []launch.Env
		options      distributed.Options
		want         []string // for each rank; "": no error
	}{
		{
			name: "different world sizes",
			environments: func(port int) []launch.Env {
				return []launch.Env{distributedtest.Env(0, 2, port), distributedtest.Env(1, 3, port)}
			},
			want: []string{`rank 1 \(.+\) was started as one of 3 ranks, but rank 0 \(.+\) as one of 2`, `rank 1 .+ as one of 3 ranks, but rank 0 .+ as one of 2`},
		},
		{
			name: "a missing rank",
			environments: func(port int) []launch.Env {
				return []launch.Env{distributedtest.Env(0, 3, port), distributedtest.Env(2, 3, port)}
			},
			options: short,
			want:    []string{`rank 1 did not join \(2 of 3 are here: rank 0 .+ rank 2 .+\): no success within 4s \(--dist-timeout\)`, `rank 0 says which are missing|has ended`},
		},
		{
			name:         "no rank 0",
			environments: func(port int) []launch.Env { return []launch.Env{distributedtest.Env(1, 2, port)} },
			options:      short,
			want:         []string{`the store of rank 0 at 127.0.0.1:\d+ cannot be reached: .+refused; check that rank 0 runs, MASTER_ADDR`},
		},
		{
			name: "a host without an address",
			environments: func(port int) []launch.Env {
				e := distributedtest.Env(1, 2, port)
				e.Host = "no-such-host.invalid"
				return []launch.Env{e}
			},
			options: short,
			want:    []string{`the host of rank 0, MASTER_ADDR=no-such-host.invalid, has no address`},
		},
		{
			name:         "no such interface",
			environments: func(port int) []launch.Env { return []launch.Env{distributedtest.Env(0, 2, port)} },
			options:      distributed.Options{Timeout: 3 * time.Second, Interface: "nosuch0"},
			want:         []string{`no network interface "nosuch0", where other ranks are to connect to this one; this machine has \["lo"`},
		},
		{
			name:         "an address of another machine to listen at",
			environments: func(port int) []launch.Env { return []launch.Env{distributedtest.Env(0, 2, port)} },
			options:      distributed.Options{Timeout: 3 * time.Second, Listen: "192.0.2.1"},
			want:         []string{`rank 0 cannot serve the store at 192.0.2.1, which is no address of this machine`},
		},
		{
			name:         "a rank outside the world",
			environments: func(port int) []launch.Env { return []launch.Env{distributedtest.Env(2, 2, port)} },
			want:         []string{`rank 2 of 2 ranks; want 0 to the number of ranks - 1`},
		},
		{
			name:         "no port",
			environments: func(port int) []launch.Env { return []launch.Env{distributedtest.Env(1, 2, 0)} },
			want:         []string{`the store at "127.0.0.1", port 0; want .+MASTER_PORT`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			errs := joinAll(c.environments(distributedtest.FreePort(t)), c.options)
			for i, err := range errs {
				if c.want[i] == "" && err != nil || c.want[i] != "" && (err == nil || !regexp.MustCompile(c.want[i]).MatchString(err.Error())) {
					t.Errorf("process %d: %v; want %q", i, err, c.want[i])
				}
			}
		})
	}
}

// TestAddresses joins by each way to name the store and the interfaces of this machine.
func TestAddresses(t *testing.T) {
	t.Parallel()
	loop, err := net.InterfaceByIndex(1)
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		name, host string
		options    distributed.Options
	}{
		{name: "a name", host: "localhost"},
		{name: "another loopback address", host: "127.0.0.2"},
		{name: "IPv6", host: "::1"},
		{name: "an interface", host: "127.0.0.1", options: distributed.Options{Interface: loop.Name}},
		{name: "an address to connect to", host: "127.0.0.1", options: distributed.Options{Interface: "127.0.0.1"}},
		{name: "all addresses", host: "127.0.0.1", options: distributed.Options{Listen: "0.0.0.0"}},
	} {
		l, err := net.Listen("tcp", net.JoinHostPort(c.host, "0"))
		if err != nil {
			t.Logf("%s: not on this machine: %v", c.name, err)
			continue
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		var environments []launch.Env
		for r := range 2 {
			e := distributedtest.Env(r, 2, port)
			e.Host = c.host
			environments = append(environments, e)
		}
		c.options.Timeout = 10 * time.Second
		for r, err := range joinAll(environments, c.options) {
			if err != nil {
				t.Errorf("%s: rank %d: %v", c.name, r, err)
			}
		}
	}
}

// TestRankTwice starts ranks that a group of two, which trains, has no place for.
func TestRankTwice(t *testing.T) {
	t.Parallel()
	port := distributedtest.FreePort(t)
	first := []*process{begin(t, child{Env: distributedtest.Env(0, 2, port)}), begin(t, child{Env: distributedtest.Env(1, 2, port)})}
	training(t, first...)
	for r, want := range []string{
		0: fmt.Sprintf("port %d, where rank 0 serves the store, is in use by another program or another rank 0", port),
		1: fmt.Sprintf("rank 1 exists twice: rank 1 (%s, pid %d) has joined, and this is pid", hostname(t), first[1].command.Process.Pid),
		2: "rank 2 (" + hostname(t),
	} {
		second := begin(t, child{Env: distributedtest.Env(r, max(2, r+1), port), Timeout: 20 * time.Second})
		second.wait(t, 30*time.Second)
		if !strings.Contains(second.output(), want) {
			t.Errorf("rank %d a second time printed\n%s\nwant %s", r, second.output(), want)
		}
	}
	for _, p := range first {
		select {
		case <-p.done:
			t.Errorf("a rank that had joined has ended: %s", p.output())
		default:
		}
	}
}

// TestOtherProgram checks the error when another program listens at the store's port.
func TestOtherProgram(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"silent": "", "web server": "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					io.WriteString(c, answer)
				}
			}()
			port := l.Addr().(*net.TCPAddr).Port
			_, err = distributed.Join(context.Background(), distributedtest.Env(1, 2, port), distributed.Options{Timeout: 2 * time.Second})
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("what listens at 127.0.0.1:%d does not answer as the store of the ranks", port)) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestGarbage sends garbage to the store's port while two ranks train: requests of other protocols, random bytes, connections
// without a byte, and beginnings of the store's own requests.
func TestGarbage(t *testing.T) {
	t.Parallel()
	port := distributedtest.FreePort(t)
	ranks := []*process{begin(t, child{Env: distributedtest.Env(0, 2, port), Sums: 600}), begin(t, child{Env: distributedtest.Env(1, 2, port), Sums: 600})}
	training(t, ranks...)
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<16)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for n, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "", string(noise), string(noise[:7]),
		"\x00", strings.Repeat("\x00", 100), strings.Repeat("\xff", 100), strings.Repeat("\x03", 1000),
		"\x00\xce\xf7\x85\x3c", "\x00\xce\xf7\x85\x3c\x01\xff\xff\xff\xff\xff\xff\xff\xff", "\x00\xce\xf7\x85\x3c\x01\x04\x00\x00\x00\x00\x00\x00\x00abcd\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\x00\xce\xf7\x85\x3c\x63\x63\x63\x63\x63\x63", "\x00\xce\xf7\x85\x3c" + string(noise[:4096])} {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatalf("garbage %d: %v; rank 0 printed:\n%s", n, err, ranks[0].output())
		}
		io.WriteString(c, text)
		if n%2 == 0 {
			c.Close()
		} else {
			defer c.Close()
		}
	}
	for r, p := range ranks {
		p.wait(t, time.Minute)
		if code := p.command.ProcessState.ExitCode(); code != 0 {
			t.Errorf("rank %d ended with code %d (%v):\n%s", r, code, p.command.ProcessState, p.output())
		}
	}
}

// TestLateRank checks that a rank that is alive but does not come ends the others after the timeout.
func TestLateRank(t *testing.T) {
	t.Parallel()
	o := distributed.Options{Timeout: 8 * time.Second, Silence: silence} // also to join, on a busy machine
	errs := distributedtest.Errors(t, 2, o, func(s *autograd.Scope, g *distributed.Group) error {
		if g.Rank() == 1 {
			ctx, cancel := g.Context(context.Background())
			defer cancel()
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return g.Sum([]float64{1})
	})
	for r, err := range errs {
		var e *distributed.Error
		if !errors.As(err, &e) || e.Rank != 1 || !strings.Contains(err.Error(), "is alive, but has not come to the same operation as the others within 8s (--dist-timeout)") {
			t.Errorf("rank %d: %v", r, err)
		}
	}
}
