package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report"
)

const (
	streamEvery  = 500 * time.Millisecond // between two messages of a stream
	streamAlive  = 15 * time.Second       // a comment after this long without one, so that proxies keep the connection
	streamWrite  = 5 * time.Second        // a client that does not read for this long loses its connection
	maxOfRequest = 1000                   // events of an answer
)

// list answers with the events after a number: /api/events?after=N.
func (s *Run) list(w http.ResponseWriter, r *http.Request) {
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			webaccess.Fail(w, http.StatusBadRequest, fmt.Sprintf("after=%q: must be the number of an event, such as the \"next\" of the answer before", text))
			return
		}
		after = n
	}
	list, lost := s.after(after, maxOfRequest)
	answer := struct {
		Events []json.RawMessage `json:"events"`
		Next   int64             `json:"next"` // the after= of the next request
		Lost   int64             `json:"lost"` // older ones that are not kept; events.jsonl has them
	}{[]json.RawMessage{}, after, lost}
	for _, e := range list {
		answer.Events, answer.Next = append(answer.Events, text(e.event)), e.number
	}
	writeJSON(w, http.StatusOK, answer)
}

// stream sends server-sent events: the state when it has changed, at most twice a second, and every event but steps.
func (s *Run) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "10")
		webaccess.Fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d clients have a stream already", maxStreams))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // for nginx
	control := http.NewResponseController(w)
	number, last, lastWrite := s.first(r), "", time.Now()
	ticks := time.NewTicker(streamEvery)
	defer ticks.Stop()
	for ended := false; ; {
		var b bytes.Buffer
		number = s.writeEvents(&b, number)
		if state, err := json.Marshal(s.stateNow()); err == nil && string(state) != last {
			last = string(state)
			fmt.Fprintf(&b, "event: state\ndata: %s\n\n", state)
		}
		if b.Len() == 0 && time.Since(lastWrite) > streamAlive {
			b.WriteString(":\n\n")
		}
		if b.Len() > 0 {
			lastWrite = time.Now()
			_ = control.SetWriteDeadline(lastWrite.Add(streamWrite)) // not supported by a test's recorder
			if _, err := w.Write(b.Bytes()); err != nil || control.Flush() != nil {
				return
			}
		}
		if ended {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ended:
			ended = true
		case <-ticks.C:
		}
	}
}

// first is the number after which a stream begins: that of the last event, or where a browser that connects again has ended.
func (s *Run) first(r *http.Request) int64 {
	_, seen := s.snapshot()
	if n, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && n >= 0 && n <= seen {
		return n
	}
	return seen
}

// writeEvents writes the events after a number, and returns the number of the last one.
func (s *Run) writeEvents(b *bytes.Buffer, number int64) int64 {
	list, _ := s.after(number, maxEvents)
	for _, e := range list {
		number = e.number
		if _, ok := e.event.(report.Step); !ok {
			fmt.Fprintf(b, "id: %d\nevent: %s\ndata: %s\n\n", e.number, e.event.Kind(), text(e.event))
		}
	}
	return number
}
