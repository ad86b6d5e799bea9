package distributed

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed/launch"
)

// Options of a group. The zero value is documented with each field.
type Options struct {
	// Timeout is how long a rank waits for the others while they are alive: to join, and in an operation. 0: 10 minutes.
	Timeout time.Duration
	// Silence is how long a rank may not be heard of before the others end. 0: 5 s.
	Silence time.Duration
	// Listen is the address, without a port, at which rank 0 serves the store. "": that of launch.Env.Host if it is this
	// machine's, else all addresses.
	Listen string
	// Interface is the network interface ("eth0") or the address at which other ranks connect to this one. "":
	// GLOO_SOCKET_IFNAME, else the interface that reaches the store.
	Interface string
	// NCCL exchanges tensors on the GPU Device by NCCL.
	NCCL   bool
	Device autograd.Device // with NCCL
	// Warn receives warnings, such as for which ranks this one has been waiting. nil: none.
	Warn func(message string)
}

const (
	defaultTimeout = 10 * time.Minute
	defaultSilence = 5 * time.Second
	// warnTime is how long a rank waits for others before it warns.
	warnTime = 30 * time.Second
)

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.Silence = cmp.Or(o.Silence, defaultSilence)
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if !o.NCCL {
		o.Device = autograd.CPU
	}
	return o
}

// Join joins the group of all processes that the launcher started, and returns when all have joined. It returns a nil Group for
// a process on its own: no launcher, and at most one rank. End the group with Close or Fail.
func Join(ctx context.Context, e launch.Env, o Options) (*Group, error) {
	if e.Launcher == "" && e.Size <= 1 {
		return nil, nil
	}
	if err := check(e); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("no success within %v (--dist-timeout)", o.Timeout))
	defer cancel()
	at, s, err := openStore(ctx, e, o)
	if err != nil {
		return nil, err
	}
	g := &Group{options: o, store: s}
	if err := g.join(ctx, e, at); err != nil {
		s.close()
		return nil, err
	}
	return g, nil
}

// join meets the other ranks in the store, and connects to them.
func (g *Group) join(ctx context.Context, e launch.Env, at place) error {
	end, err := endpointOf(e, g.options, at)
	if err != nil {
		return err
	}
	g.me = newMember(e, end)
	met, err := rendezvous(ctx, g.store, g.me, g.options.Warn)
	if err != nil {
		return err
	}
	g.members, g.session = met.Members, met.Name+"/"
	return g.connect(ctx, e, at, end)
}

// check refuses an environment that launch.Detect would not return, and systems without gloo.
func check(e launch.Env) error {
	switch {
	case e.Size < 1 || e.Rank < 0 || e.Rank >= e.Size:
		return fmt.Errorf("distributed: rank %d of %d ranks; want 0 to the number of ranks - 1", e.Rank, e.Size)
	case e.Host == "" || e.Port < 1 || e.Port > 65535:
		return fmt.Errorf("distributed: the store at %q, port %d; want the host of rank 0 (MASTER_ADDR) and a port from 1 to 65535 (MASTER_PORT)", e.Host, e.Port)
	case !autograd.HasProcessGroups():
		return fmt.Errorf("distributed: this libtorch has no gloo for %s/%s, which connects processes; train with one process", runtime.GOOS, runtime.GOARCH)
	}
	return nil
}

// openStore connects to the ranks' store. Rank 0 serves it, unless the launcher does.
func openStore(ctx context.Context, e launch.Env, o Options) (place, *store, error) {
	at := place{host: e.Host, port: e.Port}
	ip, err := resolve(ctx, e.Host)
	if err != nil {
		return at, nil, err
	}
	at.ip, at.route = ip.String(), ip.String()
	listener := -1
	if e.Rank == 0 && !e.AgentStore {
		address := listenAddress(e, o, ip)
		if listener, err = listen(ctx, address, e.Port); err != nil {
			return at, nil, err
		}
		at.ip = address
		if own := net.ParseIP(address); own == nil || own.IsUnspecified() {
			at.ip = "127.0.0.1"
		}
	} else if err := reach(ctx, at, o.Warn); err != nil {
		return at, nil, err
	}
	s, err := connect(ctx, at, listener, prefix(e))
	return at, s, err
}

// prefix separates the keys of runs that share a launcher's store. The number of restarts is not in it: torchrun counts on each
// machine how often its own ranks failed, so that after a failure on one of them the numbers differ. The nonces of the
// rendezvous distinguish attempts.
func prefix(e launch.Env) string { return "depthwise/" + e.RunID }

// connect begins the heartbeats and then connects the ranks to each other, so that the failure of one ends that, too.
func (g *Group) connect(ctx context.Context, e launch.Env, at place, end endpoint) error {
	beats, err := connect(ctx, at, -1, prefix(e)+"/"+strings.TrimSuffix(g.session, "/"))
	if err != nil {
		return err
	}
	g.monitor = newMonitor(g, beats, at, e.AgentStore)
	g.monitor.start()
	ctx, cancel := g.Context(ctx)
	defer cancel()
	g.process, err = call(ctx, g.store, func(s *autograd.Store) (*autograd.ProcessGroup, error) {
		return autograd.OpenProcessGroup(s, autograd.ProcessGroupOptions{Rank: g.me.Rank, Size: g.me.Size, Address: end.address,
			Interface: end.iface, Device: g.options.Device, Timeout: g.options.Timeout, Prefix: g.session + "process group"})
	})
	if err != nil {
		err = fmt.Errorf("distributed: connect the ranks: %w", err)
		g.Fail(err)
		return err
	}
	g.process.SetGrace(g.options.Silence + lingerTime)
	g.monitor.watch(g.process)
	return nil
}
