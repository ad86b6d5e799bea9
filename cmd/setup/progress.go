package main

import (
	"fmt"
	"strings"
	"time"
)

// bar shows how far a download or an unpacking is: a moving bar on a terminal, a line now and then elsewhere.
//
// It is written here, and setup imports nothing but the standard library, so that go can run setup whatever state the
// rest is in: with a go.work whose libraries were deleted, go refuses to build anything that imports another module.
type bar struct {
	s     *setup
	what  string
	total int64
	start time.Time
	shown time.Time // when it was last drawn or printed
}

const (
	barWidth  = 30
	drawEvery = 100 * time.Millisecond // on a terminal
	lineEvery = 5 * time.Second        // elsewhere
)

// bar starts one; total is in bytes.
func (s *setup) bar(what string, total int64) *bar {
	now := time.Now()
	b := &bar{s: s, what: what, total: max(total, 1), start: now, shown: now}
	if !s.terminal {
		s.say("%s (%d MB)", what, total/1e6)
	}
	return b
}

// set says how many bytes are done.
func (b *bar) set(done int64) {
	done = min(done, b.total)
	switch since := time.Since(b.shown); {
	case b.s.terminal && since >= drawEvery:
		b.draw(done)
	case !b.s.terminal && since >= lineEvery:
		b.s.say("%s: %d of %d MB", b.what, done/1e6, b.total/1e6)
	default:
		return
	}
	b.shown = time.Now()
}

// draw overwrites the line with the bar as it is now.
func (b *bar) draw(done int64) {
	full := int(done * barWidth / b.total)
	rate := float64(done) / 1e6 / max(time.Since(b.start).Seconds(), 1e-3)
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	fmt.Fprintf(b.s.out, "\rsetup: %s %3d%% |%-*s| %d of %d MB, %.0f MB/s ", b.what, done*100/b.total,
		barWidth, strings.Repeat("=", full), done/1e6, b.total/1e6, rate)
}

// finish ends the bar; a failed one stays where it was.
func (b *bar) finish(ok bool) {
	if b.s.terminal {
		if ok {
			b.draw(b.total)
		}
		fmt.Fprintln(b.s.out)
		return
	}
	if ok {
		b.s.say("%s: done in %.0f s", b.what, time.Since(b.start).Seconds())
	}
}
