package webaccess

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Limits of connections.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second // a client that takes longer for an answer loses its connection
	idleTimeout  = 2 * time.Minute
	maxHeader    = 16 << 10 // bytes
	maxRequests  = 128      // at the same time
)

// Serve answers requests until ctx ends, and then closes all connections. Requests beyond the limit get status 503.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	slots := make(chan struct{}, maxRequests)
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			handler.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			Fail(w, http.StatusServiceUnavailable, "too many requests at the same time")
		}
	})
	server := &http.Server{Handler: limited, ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0)} // of clients' mistakes
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, server.Close())
	}
	return nil
}
