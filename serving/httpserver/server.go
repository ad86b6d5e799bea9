package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// Server is an [http.Handler] that serves models.
type Server struct {
	config   Config
	log      *slog.Logger
	models   []*served
	handler  http.Handler
	metrics  *metrics
	bodies   bodyMemory
	requests atomic.Int64 // for images, in flight
	draining atomic.Bool
	started  time.Time
}

// New opens the models. The error names every wrong field, or the first model that could not be opened. The caller closes
// the server.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("httpserver: %w", err)
	}
	s := &Server{config: c, log: c.Log, metrics: newMetrics(), started: time.Now()}
	s.bodies.limit(c.BodyMemory)
	for _, source := range c.Models {
		m := &served{source: source, log: c.Log, onBatch: s.metrics.onBatch(source.Name)}
		if err := m.open(); err != nil {
			return nil, errors.Join(fmt.Errorf("httpserver: model %s: %w", source.Name, err), s.Close())
		}
		s.models = append(s.models, m)
	}
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Reload opens the weights of every model again. Where that fails, the model before stays, and the error says why.
func (s *Server) Reload() error {
	var all error
	for _, m := range s.models {
		all = errors.Join(all, m.reload())
	}
	return all
}

// Watch reloads models whose weights change, until ctx ends; see Config.ReloadInterval. [Server.Serve] calls it.
func (s *Server) Watch(ctx context.Context) {
	for _, m := range s.models {
		go m.watch(ctx, s.config.ReloadInterval)
	}
	<-ctx.Done()
}

// Close waits for requests that have begun, and closes the models. Later requests get status 503.
func (s *Server) Close() error {
	s.draining.Store(true)
	var all error
	for _, m := range s.models {
		all = errors.Join(all, m.close())
	}
	return all
}

// model returns the model of a name, or the first one where the name is "".
func (s *Server) model(name string) (*served, error) {
	var names []string
	for _, m := range s.models {
		if name == "" || m.source.Name == name {
			return m, nil
		}
		names = append(names, m.source.Name)
	}
	return nil, &failure{Code: codeNotFound, Message: fmt.Sprintf("no model %q: there are %v", name, names), status: http.StatusNotFound}
}
