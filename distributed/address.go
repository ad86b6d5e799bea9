package distributed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"depthwise.dev/distributed/launch"
)

// resolve returns the address of the store's host. Names may appear later than the processes, as in Kubernetes.
func resolve(ctx context.Context, host string) (net.IP, error) {
	for {
		ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err == nil && len(ips) > 0 {
			return prefer4(ips), nil
		}
		if ctx.Err() != nil || sleep(ctx, time.Second) != nil {
			return nil, fmt.Errorf("distributed: the host of rank 0, MASTER_ADDR=%s, has no address: %w", host, err)
		}
	}
}

// prefer4 is the first IPv4 address, else the first one: hosts often have IPv6 addresses that others cannot reach.
func prefer4(ips []net.IPAddr) net.IP {
	for _, ip := range ips {
		if ip.IP.To4() != nil {
			return ip.IP
		}
	}
	return ips[0].IP
}

// listenAddress is where rank 0 serves the store: as configured, else the store's address if it is this machine's, else all
// addresses. An address of other machines is that of a service that forwards, or a name that means another address here; and a
// loopback address is no use for several machines.
func listenAddress(e launch.Env, o Options, host net.IP) string {
	if o.Listen != "" {
		return o.Listen
	}
	severalMachines := e.LocalSize < e.Size
	if isLocal(host) && !(host.IsLoopback() && severalMachines) {
		return host.String()
	}
	return ""
}

// isLocal reports whether an address is of this machine.
func isLocal(ip net.IP) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && (n.IP.Equal(ip) || n.IP.IsLoopback() && n.Contains(ip)) {
			return true
		}
	}
	return false
}

// listen returns the descriptor of a socket that listens for the store's clients.
func listen(ctx context.Context, address string, port int) (fd int, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return -1, fmt.Errorf("distributed: port %d, where rank 0 serves the store, is in use by another program or another rank 0: %w; choose another MASTER_PORT", port, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return -1, fmt.Errorf("distributed: rank 0 cannot serve the store at %s, which is no address of this machine: %w", address, err)
	case err != nil:
		return -1, fmt.Errorf("distributed: rank 0 cannot serve the store at port %d: %w; choose another MASTER_PORT, above 1023", port, err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return -1, fmt.Errorf("distributed: rank 0 cannot serve the store: %w", err)
	}
	defer f.Close()
	fd, err = syscall.Dup(int(f.Fd()))
	if err != nil {
		return -1, fmt.Errorf("distributed: rank 0 cannot serve the store: %w", err)
	}
	syscall.CloseOnExec(fd)
	return fd, nil
}

// reach waits until something listens at the store's address.
func reach(ctx context.Context, at place, warn func(string)) error {
	begin := time.Now()
	var err error
	for warned := false; ; {
		c, now := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(at.ip, strconv.Itoa(at.port)))
		if now == nil {
			return c.Close()
		}
		if err == nil || ctx.Err() == nil { // otherwise the end of ctx, which says less than the failure before
			err = now
		}
		if !warned && time.Since(begin) > warnTime {
			warned = true
			warn(fmt.Sprintf("waiting for the store of rank 0 at %v (MASTER_ADDR, MASTER_PORT): %v", at, err))
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("distributed: the store of rank 0 at %v cannot be reached: %w; check that rank 0 runs, MASTER_ADDR and MASTER_PORT, and firewalls", at, err)
		}
	}
}

// An endpoint is where other ranks connect to this one: an interface, or an address.
type endpoint struct{ iface, address string }

// endpointOf is where other ranks connect to this one: as configured, else the address from which this machine reaches the store. For
// several machines it is never a loopback address.
func endpointOf(e launch.Env, o Options, at place) (endpoint, error) {
	if name := cmp.Or(o.Interface, os.Getenv("GLOO_SOCKET_IFNAME")); name != "" {
		return configuredEndpoint(name)
	}
	c, err := net.Dial("udp", net.JoinHostPort(at.route, strconv.Itoa(at.port))) // sends nothing
	if err != nil {
		return endpoint{}, fmt.Errorf("distributed: no route to the store at %v: %w; check MASTER_ADDR and the network of this machine", at, err)
	}
	defer c.Close()
	ip := c.LocalAddr().(*net.UDPAddr).IP
	if !ip.IsLoopback() || e.LocalSize >= e.Size {
		return endpoint{address: ip.String()}, nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return endpoint{}, fmt.Errorf("distributed: the network interfaces: %w", err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return endpoint{address: n.IP.String()}, nil
		}
	}
	return endpoint{}, errors.New("distributed: this machine has only loopback addresses, but the ranks are on several machines; set GLOO_SOCKET_IFNAME to the network interface that reaches the others")
}

// configuredEndpoint is an address of this machine or the name of an interface.
func configuredEndpoint(name string) (endpoint, error) {
	if ip := net.ParseIP(name); ip != nil {
		if !isLocal(ip) {
			return endpoint{}, fmt.Errorf("distributed: %s, where other ranks are to connect to this one, is no address of this machine; set GLOO_SOCKET_IFNAME to one of its interfaces or addresses", name)
		}
		return endpoint{address: name}, nil
	}
	if _, err := net.InterfaceByName(name); err != nil {
		var names []string
		all, _ := net.Interfaces()
		for _, i := range all {
			names = append(names, i.Name)
		}
		return endpoint{}, fmt.Errorf("distributed: no network interface %q, where other ranks are to connect to this one; this machine has %q; set GLOO_SOCKET_IFNAME to one of them", name, names)
	}
	return endpoint{iface: name}, nil
}
