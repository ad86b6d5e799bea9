package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of connections, besides those of Config.
const (
	headerTimeout = 10 * time.Second // for the head of a request
	idleTimeout   = 2 * time.Minute  // of a connection without a request; longer than the 60 s of usual load balancers
	writeTimeout  = 30 * time.Second // for the answer, after Config.Timeout
	maxHeader     = 16 << 10         // bytes
)

// Serve answers the requests of a listener, and reloads models whose weights change, until ctx ends. Then /readyz fails,
// requests are accepted for Config.DrainDelay, and those that have begun are answered, for at most Config.DrainTimeout. It
// closes the models. The error is nil if all requests were answered.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout + s.config.Timeout,
		WriteTimeout: headerTimeout + s.config.Timeout + writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	busy := connections{state: map[net.Conn]connection{}}
	server.ConnState = busy.track
	watch, stop := context.WithCancel(ctx)
	defer stop()
	go s.Watch(watch)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("httpserver: %w", err)
	case <-ctx.Done():
		err = s.drain(listener, &busy)
		<-failed // the listener is closed; until Serve has returned, server.Close would close it again, which fails
	}
	return errors.Join(err, server.Close(), s.Close())
}

// drain ends a server without losing requests. It does not use [http.Server.Shutdown], which closes connections whose first
// request arrives meanwhile.
func (s *Server) drain(listener net.Listener, busy *connections) error {
	s.draining.Store(true)
	s.log.Info("stopping: answering the requests that have begun", "in_flight", s.metrics.inFlight.Load(),
		"delay", s.config.DrainDelay.String(), "timeout", s.config.DrainTimeout.String())
	time.Sleep(s.config.DrainDelay)
	listener.Close() // an error changes nothing
	for end := time.Now().Add(s.config.DrainTimeout); busy.number() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			lost := s.metrics.inFlight.Load()
			s.log.Error("stopped with requests that were not answered in time", "in_flight", lost)
			return fmt.Errorf("httpserver: %d requests were not answered within %v", lost, s.config.DrainTimeout)
		}
	}
	s.log.Info("stopped: all requests were answered")
	return nil
}

// connections are those that are new or have a request.
type connections struct {
	mu    sync.Mutex
	state map[net.Conn]connection
}

type connection struct {
	state http.ConnState
	since time.Time
}

// track is a function for [http.Server.ConnState].
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		c.state[conn] = connection{state, time.Now()}
	default:
		delete(c.state, conn)
	}
}

// number counts the connections with a request, and those that were just opened to send one. Browsers open some that they do
// not use.
func (c *connections) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, k := range c.state {
		if k.state == http.StateActive || time.Since(k.since) < time.Second {
			n++
		}
	}
	return n
}
