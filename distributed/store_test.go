package distributed_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
	"depthwise.dev/distributed/launch"
)

// serve serves a store as torchrun's agent does, and returns its port and a connection to it.
func serve(t *testing.T, prefix string) (port int, s *autograd.Store) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	s, err = autograd.OpenStore(autograd.StoreOptions{Host: "127.0.0.1", Port: port, Listener: int(f.Fd()), Prefix: prefix, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return port, s
}

// TestLaunchersStore joins again and again with the store of a launcher, which keeps the entries of earlier attempts: after one
// that ended well, after one that failed, with those of a rank that died while the group met, and with another restart count.
func TestLaunchersStore(t *testing.T) {
	t.Parallel()
	port, s := serve(t, "depthwise/run 7")
	environments := func(restarts int) []launch.Env {
		var all []launch.Env
		for r := range 2 {
			e := distributedtest.Env(r, 2, port)
			e.AgentStore, e.RunID, e.Restarts = true, "run 7", restarts
			all = append(all, e)
		}
		return all
	}
	for _, c := range []struct {
		name     string
		restarts int
		before   func() error
	}{
		{name: "first", restarts: 0},
		{name: "again", restarts: 0},
		{name: "a rank died while the ranks met", before: func() error {
			return s.Set("hello/1", []byte(`{"Rank": 1, "Size": 2, "Host": "gone", "Nonce": "old"}`))
		}},
		{name: "an attempt was refused", before: func() error {
			return s.Set("welcome", []byte(`{"Name": "x", "Members": [{"Rank": 0}], "Refusal": "y"}`))
		}},
		{name: "restarted", restarts: 1},
	} {
		if c.before != nil {
			if err := c.before(); err != nil {
				t.Fatal(err)
			}
		}
		for r, err := range joinAll(environments(c.restarts), distributed.Options{Timeout: 20 * time.Second}) {
			if err != nil {
				t.Errorf("%s: rank %d: %v", c.name, r, err)
			}
		}
	}
}

// TestForeignEntries checks the error for entries that no rank wrote.
func TestForeignEntries(t *testing.T) {
	for _, key := range []string{"hello/1", "welcome"} {
		port, s := serve(t, "depthwise/")
		if err := s.Set(key, []byte("\xff{}")); err != nil {
			t.Fatal(err)
		}
		e := distributedtest.Env(0, 2, port)
		e.AgentStore = true
		errs := joinAll([]launch.Env{e}, distributed.Options{Timeout: 5 * time.Second})
		if want := `distributed: the store has an entry ` + key + ` that no rank wrote: ` + strconv.Quote("\xff{}"); errs[0] == nil || errs[0].Error() != want {
			t.Errorf("error is %v, want %s", errs[0], want)
		}
	}
}
