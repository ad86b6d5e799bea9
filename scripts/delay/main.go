//go:build linux

// Command delay connects network interfaces as a switch does, and delays each frame: the latency of a network, on a kernel
// without netem. It makes an interface in each of the given network namespaces, and runs until it is killed.
//
//	delay DURATION NAMESPACE...
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "delay:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: delay DURATION NAMESPACE NAMESPACE...")
	}
	latency, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	var ports []*port
	for _, name := range args[1:] {
		p, err := open(name)
		if err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
		ports = append(ports, p)
	}
	failed := make(chan error)
	for i, p := range ports {
		go func() { failed <- p.deliver(latency) }()
		go func() { failed <- p.forward(ports, i) }()
	}
	fmt.Println("ready")
	return <-failed
}

// A frame is of Ethernet, and when it came.
type frame struct {
	bytes []byte
	at    time.Time
}

// A port is the switch's end of an interface.
type port struct {
	tap   *os.File
	queue chan frame // to the interface
}

// open makes the interface eth0 in a namespace.
func open(namespace string) (*port, error) {
	type result struct {
		tap *os.File
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // the namespace is the thread's, which ends with this goroutine
		tap, err := openIn(namespace)
		done <- result{tap, err}
	}()
	r := <-done
	return &port{r.tap, make(chan frame, queueFrames)}, r.err
}

// queueFrames is how many frames may be under way to an interface: 1 Gbit/s for 1 s in frames of 9000 bytes.
const queueFrames = 1 << 14

func openIn(namespace string) (*os.File, error) {
	ns, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter: %w", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq("eth0")
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("make eth0: %w", err)
	}
	return os.NewFile(uintptr(fd), "tap"), nil
}

// forward passes on what the interface sends: by the address to the port of its last byte, or to all.
func (p *port) forward(ports []*port, own int) error {
	b := make([]byte, 1<<16)
	for {
		n, err := p.tap.Read(b)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		f := frame{bytes.Clone(b[:n]), time.Now()}
		for i, to := range ports {
			if i != own && (b[0]&1 == 1 || int(b[5]) == i+1) {
				to.queue <- f
			}
		}
	}
}

// deliver passes frames to the interface when they are old enough.
func (p *port) deliver(latency time.Duration) error {
	for f := range p.queue {
		time.Sleep(time.Until(f.at.Add(latency)))
		if _, err := p.tap.Write(f.bytes); err != nil && !errors.Is(err, unix.EIO) { // of an interface that is down
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
