package distributed

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"depthwise.dev/distributed/launch"
)

// TestRefusal checks which ranks cannot be of one group.
func TestRefusal(t *testing.T) {
	first := member{Rank: 0, Size: 2, Host: "node1", PID: 10, Program: "1a2b, libtorch 2.15.0, amd64", Address: "10.0.0.1"}
	for _, c := range []struct {
		name   string
		change func(m *member)
		want   string
	}{
		{"equal", func(m *member) {}, ""},
		{"an interface instead of an address", func(m *member) { m.Address = "" }, ""},
		{"world size", func(m *member) { m.Size = 4 }, "rank 1 (node2, pid 20) was started as one of 4 ranks, but rank 0 (node1, pid 10) as one of 2; start all with the same world size"},
		{"version", func(m *member) { m.Program = "1a2b, libtorch 2.11.0, amd64" }, "rank 1 (node2, pid 20) runs another version: 1a2b, libtorch 2.11.0, amd64; rank 0 (node1, pid 10) runs 1a2b, libtorch 2.15.0, amd64; install the same program on all machines"},
		{"loopback", func(m *member) { m.Address = "127.0.1.1" }, "rank 1 (node2, pid 20) can be reached at the loopback address 127.0.1.1 only, but rank 0 (node1, pid 10) is at 10.0.0.1; set GLOO_SOCKET_IFNAME on node2 to the network interface"},
		{"loopback of IPv6", func(m *member) { m.Address = "::1" }, "at the loopback address ::1 only"},
	} {
		m := first
		m.Rank, m.Host, m.PID = 1, "node2", 20
		c.change(&m)
		if got := refusal(first, m); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		back := first
		c.change(&back) // the same of rank 0
		m = first
		m.Rank, m.Host, m.PID = 1, "node2", 20
		if got := refusal(back, m); (got == "") != (c.want == "") {
			t.Errorf("%s, of rank 0: %q", c.name, got)
		}
	}
}

// TestListenAddress checks at which address rank 0 serves the store.
func TestListenAddress(t *testing.T) {
	oneMachine, twoMachines := launch.Env{Size: 2, LocalSize: 2}, launch.Env{Size: 2, LocalSize: 1}
	for _, c := range []struct {
		name   string
		env    launch.Env
		listen string
		host   string
		want   string
	}{
		{"loopback, one machine", oneMachine, "", "127.0.0.1", "127.0.0.1"},
		{"another loopback address", oneMachine, "", "127.0.1.1", "127.0.1.1"},
		{"a name that is a loopback address here", twoMachines, "", "127.0.1.1", ""},
		{"an address of a service", twoMachines, "", "192.0.2.1", ""},
		{"configured", twoMachines, "10.1.2.3", "192.0.2.1", "10.1.2.3"},
	} {
		if got := listenAddress(c.env, Options{Listen: c.listen}, net.ParseIP(c.host)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestLiveness feeds heartbeats and requires that silence is counted in heartbeats that this process has read.
func TestLiveness(t *testing.T) {
	start := time.Unix(1000, 0)
	s := newLiveness(3)
	s.last = start
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	beat := func(numbers ...int) (all [][]byte) {
		for _, n := range numbers {
			all = append(all, fmt.Appendf(nil, "%d", n))
		}
		return all
	}
	for _, c := range []struct {
		seconds float64
		beats   [][]byte
		longest int
		silent  time.Duration
	}{
		{1, beat(1, 1, 1), 1, 0},
		{2, beat(2, 2, 1), 2, time.Second},
		{3, beat(3, 2, 1), 2, 2 * time.Second},
		{603, beat(4, 2, 1), 2, 4 * time.Second}, // this process was stopped for 10 minutes: at most 2 s count
		{604, beat(5, 3, 2), 1, 0},
	} {
		s.update(c.beats, at(c.seconds), 2*time.Second)
		if r := s.longestSilent(0); r != c.longest || s.silent[r] != c.silent {
			t.Errorf("after %v s: rank %d is silent for %v, want rank %d for %v", c.seconds, r, s.silent[r], c.longest, c.silent)
		}
	}
}

// TestFailure checks whose failure a rank reports.
func TestFailure(t *testing.T) {
	me := member{Rank: 2, Host: "node2", PID: 20}
	other := &Error{Rank: 1, Host: "node1", PID: 10, Cause: "has failed: disk full"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("disk full"), "rank 2 (node2, pid 20) has failed: disk full"},
		{errors.Join(errors.New("disk full"), errors.New("no space for the log")), "rank 2 (node2, pid 20) has failed: disk full; no space for the log"},
		{errors.New(strings.Repeat("x", 10000)), "rank 2 (node2, pid 20) has failed: " + strings.Repeat("x", 4096)},
		{fmt.Errorf("epoch 1: %w", other), "rank 1 (node1, pid 10) has failed: disk full"},
	} {
		e := failure(me, c.err)
		if e.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.err, e, c.want)
		}
		if got := decodeError(e.encode()); *got != *e {
			t.Errorf("%v through the store is %v", e, got)
		}
	}
	if e := decodeError(nil); e != nil {
		t.Errorf("no failure is %v", e)
	}
}

// FuzzEntries reads entries of the store, which anyone who reaches its port can write.
func FuzzEntries(f *testing.F) {
	m := member{Rank: 1, Size: 2, Host: "h", Nonce: "n"}
	f.Add(encode(m))
	f.Add(encode(session{Name: "s", Members: []member{m}}))
	f.Add((&Error{Rank: 1, Cause: "c"}).encode())
	f.Add([]byte("12 34"))
	f.Add([]byte(`{"Name": "s", "Members": [null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseMember(b, 1); err == nil && m.Rank != 1 {
			t.Errorf("rank %d", m.Rank)
		}
		if s, err := parseSession(b); err == nil {
			(&joining{me: m}).absent(s)
		}
		if e := decodeError(b); e != nil && e.Error() == "" {
			t.Error("an empty error")
		}
		begun(b)
	})
}
