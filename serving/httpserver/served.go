package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// served is a model by its name, over its reloads.
type served struct {
	source  Source
	onBatch func(images int)
	log     *slog.Logger

	reloading sync.Mutex // held while a model is opened
	loaded    string     // state of the weights that were opened last, also in vain

	mu       sync.Mutex
	current  *generation
	old      []*generation // with requests that have not ended
	ended    Stats         // of the generations that were closed
	reloads  int64
	failures int64
	closing  sync.WaitGroup // generations that have not been closed
	closeErr error
}

// generation is a model between two reloads.
type generation struct {
	Model
	about  Description
	since  time.Time
	users  int
	closed bool // no further users: the last one closes the model
}

// open opens the model for the first time.
func (m *served) open() error {
	g, err := m.openGeneration()
	if err != nil {
		return err
	}
	m.current = g
	return nil
}

// openGeneration reads the state before the weights, so that a change between the two is seen later.
func (m *served) openGeneration() (*generation, error) {
	if m.source.State != nil {
		state, err := m.source.State()
		if err != nil {
			return nil, err
		}
		m.loaded = state
	}
	model, err := m.source.Open(m.onBatch)
	if err != nil {
		return nil, err
	}
	m.closing.Add(1)
	return &generation{Model: model, about: model.Describe(), since: time.Now()}, nil
}

// acquire returns the current generation, which stays open until release; nil after close.
func (m *served) acquire() *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current.closed {
		return nil
	}
	m.current.users++
	return m.current
}

func (m *served) release(g *generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g.users--
	m.closeUnused(g)
}

// closeUnused closes a generation that nobody uses and nobody will. The caller holds mu.
func (m *served) closeUnused(g *generation) {
	if g.users > 0 || !g.closed {
		return
	}
	go func() { // Close may wait for images whose request has ended
		defer m.closing.Done()
		err := g.Close()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.closeErr = errors.Join(m.closeErr, err)
		m.ended.add(g.Stats())
		m.old = slices.DeleteFunc(m.old, func(o *generation) bool { return o == g })
	}()
}

// retire closes a generation as soon as its requests have ended. The caller holds mu.
func (m *served) retire(g *generation) {
	g.closed = true
	m.old = append(m.old, g)
	m.closeUnused(g)
}

// reload opens the weights again. Requests that have begun end with the model that they have; if the weights cannot be
// opened, the model stays.
func (m *served) reload() error {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	return m.replace()
}

// replace is reload with m.reloading held. After close nothing is opened, which nobody would close.
func (m *served) replace() error {
	if m.isClosed() {
		return fmt.Errorf("httpserver: reload %s: the server is closed", m.source.Name)
	}
	start := time.Now()
	g, err := m.openGeneration()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failures++
		m.log.Error("reload failed, the model before stays", "model", m.source.Name, "version", m.current.about.Version, "error", err.Error())
		return fmt.Errorf("httpserver: reload %s: %w", m.source.Name, err)
	}
	m.reloads++
	before := m.current
	m.current = g
	m.retire(before)
	m.log.Info("reloaded", "model", m.source.Name, "version", g.about.Version, "before", before.about.Version,
		"classes", len(g.about.Classes), "ms", time.Since(start).Milliseconds())
	if !slices.Equal(g.about.Classes, before.about.Classes) {
		m.log.Warn("the reloaded model has other classes", "model", m.source.Name, "classes", len(g.about.Classes), "before", len(before.about.Classes))
	}
	return nil
}

func (m *served) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current.closed
}

// watch reloads the model when its state changes, until ctx ends. A new state is opened once it has stayed for an
// interval: a file that is copied may be half there.
func (m *served) watch(ctx context.Context, interval time.Duration) {
	if m.source.State == nil || interval <= 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var last, problem string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		last, problem = m.check(last, problem)
	}
}

// check is a look at the state. It takes and returns the state and the error of the last look.
func (m *served) check(last, problem string) (state, newProblem string) {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	state, err := m.source.State()
	switch {
	case err != nil:
		if err.Error() != problem {
			m.log.Error("the weights cannot be found, the model stays", "model", m.source.Name, "error", err.Error())
		}
		return "", err.Error()
	case state != m.loaded && state == last:
		_ = m.replace() // logged; it is tried again when the state changes
	}
	return state, ""
}

// snapshot returns the current generation, the counts of all, and the reloads.
func (m *served) snapshot() (g *generation, s Stats, reloads, failures int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s = m.ended
	for _, o := range m.old {
		s.add(o.Stats())
	}
	if !m.current.closed { // otherwise it is among the old or the ended ones
		s.add(m.current.Stats())
	}
	return m.current, s, m.reloads, m.failures
}

// close closes the model after its requests.
func (m *served) close() error {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	m.mu.Lock()
	if !m.current.closed {
		m.retire(m.current)
	}
	m.mu.Unlock()
	m.closing.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closeErr
}
