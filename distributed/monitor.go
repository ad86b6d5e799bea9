package distributed

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"depthwise.dev/autograd"
)

// beatsPerSilence is the number of heartbeats within the time that a rank may be silent: one a second by default.
const beatsPerSilence = 5

// failureKey is the entry with the first failure of a session; empty: none.
const failureKey = "failure"

// A monitor ends the group of this rank when another one fails. One goroutine, beat, writes heartbeats to the store and reads
// those of all ranks; another, detect, finds failures in them. It also notices when beat is blocked by a store that does not answer.
type monitor struct {
	me      member
	members []member
	options Options
	beats   *store                    // a connection of its own: calls on one wait for each other
	host    func(cause string) *Error // the error of the store, which belongs to rank 0 or to the launcher

	ended context.Context // when the group has failed or is closed
	end   context.CancelFunc
	left  chan struct{} // closed when beat has ended

	closing atomic.Bool // this rank waits for the others to close, as long as they live

	mutex   sync.Mutex
	failure *Error
	process *autograd.ProcessGroup // once the ranks are connected
}

// heartbeats are what one exchange with the store has read.
type heartbeats struct {
	failure *Error
	beats   [][]byte // of each rank
	err     error    // the store cannot be reached
}

func newMonitor(g *Group, beats *store, at place, agent bool) *monitor {
	m := &monitor{me: g.me, members: g.members, options: g.options, beats: beats, left: make(chan struct{})}
	m.ended, m.end = context.WithCancel(context.Background())
	m.host = g.members[0].error
	if agent {
		m.host = func(cause string) *Error { return &Error{Rank: -1, Host: at.String(), Cause: cause} }
	}
	return m
}

func (m *monitor) start() {
	received := make(chan heartbeats)
	go m.beat(received)
	go m.detect(received)
}

// interval is the time between two heartbeats.
func (m *monitor) interval() time.Duration { return m.options.Silence / beatsPerSilence }

// beat exchanges heartbeats until the group ends, and then writes that this rank has left.
func (m *monitor) beat(received chan<- heartbeats) {
	defer close(m.left)
	for count := 0; ; count++ {
		p := m.exchange(count)
		select {
		case received <- p:
		case <-m.ended.Done():
		}
		if p.err != nil || sleep(m.ended, m.interval()) != nil {
			break
		}
	}
	if e := m.failed(); e != nil {
		m.beats.s.SetFirst(failureKey, e.encode()) // the store may have failed
	}
	m.beats.s.Set(left(m.me.Rank), []byte("1"))
	m.beats.close()
}

// exchange writes this rank's heartbeat and reads those of all. It blocks while the store does not answer.
func (m *monitor) exchange(count int) heartbeats {
	if err := m.beats.s.Set(beat(m.me.Rank), fmt.Appendf(nil, "%d %d", m.status().Begun, count)); err != nil {
		return heartbeats{err: err}
	}
	keys := []string{failureKey}
	for r := range m.members {
		keys = append(keys, beat(r))
	}
	values, err := m.beats.s.Get(keys...)
	if err != nil {
		return heartbeats{err: err}
	}
	return heartbeats{failure: decodeError(values[0]), beats: values[1:]}
}

// detect ends the group when heartbeats are missing, or an exchange with the store. It adds up times between events rather than
// taking the time since the last one, so that the time in which this process was stopped, or its machine slept, does not count.
func (m *monitor) detect(received <-chan heartbeats) {
	seen := newLiveness(len(m.members))
	ticker := time.NewTicker(m.interval() / 2)
	defer ticker.Stop()
	var quiet time.Duration
	for last := time.Now(); ; {
		select {
		case p := <-received:
			quiet = 0
			if e := m.failureIn(seen, p); e != nil {
				m.fail(e)
			}
		case now := <-ticker.C:
			quiet += min(now.Sub(last), m.interval())
			last = now
			if quiet > m.options.Silence {
				m.fail(m.host(m.silent(m.options.Silence)))
			}
		case <-m.ended.Done():
			return
		}
	}
}

func (m *monitor) silent(limit time.Duration) string {
	return fmt.Sprintf("has not been heard of for %v: it has ended, was stopped, is cut off, or its machine is overloaded", limit.Round(100*time.Millisecond))
}

// failureIn returns the failure that heartbeats show, or nil.
func (m *monitor) failureIn(seen *liveness, p heartbeats) *Error {
	if p.err != nil {
		return m.host(fmt.Sprintf("has ended, or the connection to the store there was cut: %v", p.err))
	}
	if p.failure != nil {
		return p.failure
	}
	status := m.status()
	limit := m.options.Silence
	if status.Failed { // a connection between ranks broke: one of them has ended
		limit /= 2
	}
	seen.update(p.beats, time.Now(), 2*m.interval())
	if r := seen.longestSilent(m.me.Rank); seen.silent[r] > limit {
		return m.members[r].error(m.silent(seen.silent[r]))
	}
	return m.late(seen, status)
}

// late is the failure of a rank for which this one has waited too long, though it is alive, or nil.
func (m *monitor) late(seen *liveness, status autograd.ProcessGroupStatus) *Error {
	if status.Waited < min(warnTime, m.options.Timeout) {
		return nil
	}
	behind := -1
	for r, b := range seen.beats {
		if begun(b) < status.Begun && r != m.me.Rank {
			behind = r
			break
		}
	}
	switch {
	case status.Waited < m.options.Timeout || m.closing.Load():
		if seen.warned != status.Begun && behind >= 0 {
			seen.warned = status.Begun
			m.options.Warn(fmt.Sprintf("waiting for %v, which is alive but has not come to the same operation", m.members[behind]))
		}
		return nil
	case behind >= 0:
		return m.members[behind].error(fmt.Sprintf("is alive, but has not come to the same operation as the others within %v (--dist-timeout)", m.options.Timeout))
	default:
		return m.me.error(fmt.Sprintf("has waited for %v (--dist-timeout) in an operation that all ranks have begun: is the connection to another rank cut?", m.options.Timeout))
	}
}

// liveness is what is known of the heartbeats of all ranks.
type liveness struct {
	beats  [][]byte
	silent []time.Duration // since the last new heartbeat
	last   time.Time
	warned int64 // the operation for which there was a warning
}

func newLiveness(ranks int) *liveness {
	return &liveness{beats: make([][]byte, ranks), silent: make([]time.Duration, ranks), last: time.Now()}
}

// update adds new heartbeats. The time since the last update counts up to a limit.
func (s *liveness) update(beats [][]byte, now time.Time, limit time.Duration) {
	since := min(now.Sub(s.last), limit)
	s.last = now
	for r, b := range beats {
		s.silent[r] += since
		if !bytes.Equal(b, s.beats[r]) {
			s.beats[r], s.silent[r] = b, 0
		}
	}
}

// longestSilent is the rank, other than me, that has been silent longest.
func (s *liveness) longestSilent(me int) int {
	longest := 0
	for r, silent := range s.silent {
		if longest == me || r != me && silent > s.silent[longest] {
			longest = r
		}
	}
	return longest
}

// begun is the number of operations in a heartbeat.
func begun(beat []byte) (n int64) {
	fmt.Sscan(string(beat), &n) // 0 of the first one, which has no number
	return n
}

// fail ends the group, unless it has ended.
func (m *monitor) fail(e *Error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.ended.Err() != nil {
		return
	}
	m.failure = e
	if m.process != nil {
		m.process.Cancel(e)
	}
	m.end()
}

// failed is why the group failed, or nil.
func (m *monitor) failed() *Error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.failure
}

// watch lets the group's failure end the operations of p.
func (m *monitor) watch(p *autograd.ProcessGroup) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.process = p
	if m.failure != nil {
		p.Cancel(m.failure)
	}
}

func (m *monitor) status() autograd.ProcessGroupStatus {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.process == nil {
		return autograd.ProcessGroupStatus{}
	}
	return m.process.Status()
}

// stop ends the heartbeats, and returns when the others can see that, or after a limit. The process group may be closed then.
func (m *monitor) stop() {
	m.end()
	m.mutex.Lock()
	m.process = nil // detect may still be about to ask for its status
	m.mutex.Unlock()
	select {
	case <-m.left:
	case <-time.After(lingerTime):
	}
}
