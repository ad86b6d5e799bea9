package live

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report"
	"depthwise.dev/report/page"
)

// Limits of a server in a process that trains.
const (
	maxEvents  = 4096 // that are kept; older ones are in events.jsonl
	maxStreams = 64   // clients with a stream
	// liveRest keeps the rendering of pages below 0.5 % of the time of a run, however many clients there are.
	liveRest = 200
)

// Run serves a run that trains in this process. It is a [report.Recorder] of its events, which never waits for a client.
type Run struct {
	commands func(page.Data) []string
	controls Controls // nil: the run cannot be changed
	reports  reports
	ended    chan struct{} // closed by Close
	streams  chan struct{} // a place for each client with a stream

	mu     sync.Mutex
	events [maxEvents]report.Event // a ring
	seen   int64                   // number of all events
	now    snapshot
}

// snapshot has the last event of each kind, nil for none.
type snapshot struct {
	dir        string
	start      *report.Start
	step       *report.Step
	validation *report.Validation // while the run validates
	epoch      *report.Epoch
	best       *report.Epoch
	checkpoint *report.Checkpoint
	budget     *report.Budget
	control    *report.Control
	paused     bool
	lrFactor   float64 // of the changes of the learning rate; 0: none
	done       *report.Done
	skipped    int64
}

// NewRun returns a server of a run that has not started. commands returns the commands that may follow it. controls carries out
// what its clients request; nil: nothing can be changed.
func NewRun(commands func(page.Data) []string, controls Controls) *Run {
	return &Run{commands: commands, controls: controls, ended: make(chan struct{}), streams: make(chan struct{}, maxStreams),
		reports: reports{rest: liveRest, live: page.Live{Interval: lookSeconds, Stream: "/api/stream", Controls: controls != nil}}}
}

// Record implements [report.Recorder]. It copies a few words, and never fails.
func (s *Run) Record(e report.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := e.(report.Validation); !ok {
		s.events[s.seen%maxEvents] = e
		s.seen++
	}
	s.now.add(e)
	return nil
}

func (n *snapshot) add(e report.Event) {
	switch e := e.(type) {
	case report.Start:
		n.dir, n.start, n.lrFactor = data.UnescapeName(e.Run), &e, e.LRFactor
	case report.Step:
		n.step, n.validation = &e, nil
	case report.Validation:
		n.validation = &e
	case report.Epoch:
		n.epoch, n.validation = &e, nil
		if e.Best {
			n.best = &e
		}
	case report.Checkpoint:
		n.checkpoint = &e
	case report.Budget:
		n.budget = &e
	case report.Control:
		n.addControl(e)
	case report.Skip:
		n.skipped++
	case report.Done:
		n.done = &e
	}
}

func (n *snapshot) addControl(e report.Control) {
	n.control = &e
	switch e.Action {
	case report.ControlLR:
		n.lrFactor = e.LRFactor
	case report.ControlPause:
		n.paused = true
	case report.ControlContinue:
		n.paused = false
	}
}

// Close tells the streams that the run has ended, and waits for them shortly. The process then ends.
func (s *Run) Close() error {
	close(s.ended)
	for end := time.Now().Add(time.Second); len(s.streams) > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// snapshot returns the present state and the number of events.
func (s *Run) snapshot() (snapshot, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now, s.seen
}

// numbered is an event with its number, from 1.
type numbered struct {
	number int64
	event  report.Event
}

// after returns up to limit events after a number, and how many before them are no longer kept.
func (s *Run) after(number int64, limit int) (list []numbered, lost int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := max(number, s.seen-maxEvents, 0)
	for n := first; n < s.seen && len(list) < limit; n++ {
		list = append(list, numbered{n + 1, s.events[n%maxEvents]})
	}
	return list, first - max(number, 0)
}

// Handler answers all requests, which the caller guards.
func (s *Run) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /api/state", s.state)
	mux.HandleFunc("GET /api/events", s.list)
	mux.HandleFunc("GET /api/stream", s.stream)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /healthz", healthz)
	if s.controls != nil {
		s.handleControls(mux)
	}
	return webaccess.LimitChanges(mux)
}

// page is the report of the run from its files.
func (s *Run) page(w http.ResponseWriter, r *http.Request) {
	now, _ := s.snapshot()
	if now.dir == "" {
		w.Header().Set("Refresh", "2")
		webaccess.Fail(w, http.StatusServiceUnavailable, "the run has not started: its data is being read; this page comes again by itself")
		return
	}
	text, err := s.reports.page(now.dir, s.commands)
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	writePage(w, r, text)
}

func (s *Run) state(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.stateNow())
}

// stateJSON is the present state. Events have the fields that they have in events.jsonl.
type stateJSON struct {
	State      string          `json:"state"` // starting, running, validating, paused, or the status of the event done
	Run        string          `json:"run"`
	Epochs     int             `json:"epochs"` // of the whole run; 0: not known yet
	Steps      int64           `json:"steps"`  // likewise
	Events     int64           `json:"events"` // so far; for /api/events?after=N
	Skipped    int64           `json:"skipped"`
	Step       json.RawMessage `json:"step"`
	Validation json.RawMessage `json:"validation"`
	Epoch      json.RawMessage `json:"epoch"`
	Best       json.RawMessage `json:"best"`
	Checkpoint json.RawMessage `json:"checkpoint"`
	Control    json.RawMessage `json:"control"`
	LRFactor   float64         `json:"lr_factor"` // of the changes of the learning rate; 1: none
	Done       json.RawMessage `json:"done"`
}

func (s *Run) stateNow() stateJSON {
	n, events := s.snapshot()
	epochs, steps := n.length()
	j := stateJSON{State: n.state(), Epochs: epochs, Steps: steps, Events: events, Skipped: n.skipped, Step: raw(n.step), Validation: raw(n.validation),
		Epoch: raw(n.epoch), Best: raw(n.best), Checkpoint: raw(n.checkpoint), Done: raw(n.done), Control: raw(n.control), LRFactor: n.factor()}
	if n.start != nil {
		j.Run = n.start.Run
	}
	return j
}

// length is that of the whole run; 0: not known yet.
func (n snapshot) length() (epochs int, steps int64) {
	switch {
	case n.budget != nil:
		return n.budget.Epochs, n.budget.Steps
	case n.start != nil:
		return n.start.Epochs, n.start.Steps
	}
	return 0, 0
}

// factor is that of the changes of the learning rate.
func (n snapshot) factor() float64 {
	if n.lrFactor == 0 {
		return 1
	}
	return n.lrFactor
}

func (n snapshot) state() string {
	switch {
	case n.done != nil:
		return n.done.Status
	case n.start == nil:
		return "starting"
	case n.paused:
		return "paused"
	case n.validation != nil:
		return "validating"
	}
	return "running"
}

// raw is the JSON of an event, null for none.
func raw[E report.Event](e *E) json.RawMessage {
	if e == nil {
		return json.RawMessage("null")
	}
	return text(*e)
}

// text is the JSON of an event. Numbers that JSON cannot express are null.
func text(e report.Event) json.RawMessage {
	line, err := report.Line(e)
	if err != nil {
		return json.RawMessage("null") // events hold numbers and texts alone
	}
	return bytes.TrimSpace(line)
}
