package distributed

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed/launch"
)

// A member is what a rank tells the others about itself.
type member struct {
	Rank, Size int
	Host       string
	PID        int
	Program    string // what must be equal: versions
	Address    string // at which others connect to it; "" with an interface
	Nonce      string // distinguishes processes that the launcher gave the same rank, one after another or at once
}

func newNonce() string { return rand.Text() }

func newMember(e launch.Env, at endpoint) member {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return member{Rank: e.Rank, Size: e.Size, Host: host, PID: os.Getpid(), Program: program(), Address: at.address, Nonce: newNonce()}
}

// program describes what all ranks must share: equal sums need equal code.
func program() string {
	version := "unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(info.Main.Version, version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version = s.Value
			}
		}
	}
	return fmt.Sprintf("%s, libtorch %s, %s", version, autograd.ThisProcessor().Libtorch, runtime.GOARCH)
}

// parseMember reads what a rank wrote.
func parseMember(b []byte, rank int) (member, error) {
	var m member
	if err := json.Unmarshal(b, &m); err != nil || m.Rank != rank || m.Nonce == "" {
		return m, fmt.Errorf("distributed: the store has an entry %s that no rank wrote: %q", hello(rank), b)
	}
	return m, nil
}

func (m member) String() string { return fmt.Sprintf("rank %d (%s, pid %d)", m.Rank, m.Host, m.PID) }

func (m member) error(cause string) *Error {
	return &Error{Rank: m.Rank, Host: m.Host, PID: m.PID, Cause: cause}
}

// refusal says why two ranks cannot be of one group; "" if they can.
func refusal(first, m member) string {
	switch {
	case m.Size != first.Size:
		return fmt.Sprintf("%v was started as one of %d ranks, but %v as one of %d; start all with the same world size", m, m.Size, first, first.Size)
	case m.Program != first.Program:
		return fmt.Sprintf("%v runs another version: %s; %v runs %s; install the same program on all machines", m, m.Program, first, first.Program)
	case loopback(m) != loopback(first):
		local, other := m, first
		if loopback(first) {
			local, other = first, m
		}
		return fmt.Sprintf("%v can be reached at the loopback address %s only, but %v is at %s; set GLOO_SOCKET_IFNAME on %s to the network interface that reaches the others, or MASTER_ADDR to an address that is not local",
			local, local.Address, other, cmp.Or(other.Address, "an interface"), local.Host)
	}
	return ""
}

func loopback(m member) bool {
	ip := net.ParseIP(m.Address)
	return ip != nil && ip.IsLoopback()
}
