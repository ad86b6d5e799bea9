package main

import (
	"fmt"
	"strings"
	"time"
)

// bar shows the progress of a download or of unpacking: a progress bar on a terminal, otherwise a
// line every few seconds.
//
// Setup imports the standard library only, therefore this implementation: if the folders that
// go.work names were deleted, go refuses to build any program that imports another module.
type bar struct {
	s     *setup
	label string
	total int64
	start time.Time
	shown time.Time // time of the last update
}

const (
	barWidth  = 30
	drawEvery = 100 * time.Millisecond // on a terminal
	lineEvery = 5 * time.Second        // otherwise
)

// bar starts a progress bar; total is in bytes.
func (s *setup) bar(label string, total int64) *bar {
	now := time.Now()
	b := &bar{s: s, label: label, total: max(total, 1), start: now, shown: now}
	if !s.terminal {
		s.logf("%s (%d MB)", label, total/1e6)
	}
	return b
}

// set updates the bar with the number of bytes done.
func (b *bar) set(done int64) {
	done = min(done, b.total)
	switch since := time.Since(b.shown); {
	case b.s.terminal && since >= drawEvery:
		b.draw(done)
	case !b.s.terminal && since >= lineEvery:
		b.s.logf("%s: %d of %d MB", b.label, done/1e6, b.total/1e6)
	default:
		return
	}
	b.shown = time.Now()
}

// draw redraws the line.
func (b *bar) draw(done int64) {
	filled := int(done * barWidth / b.total)
	rate := float64(done) / 1e6 / max(time.Since(b.start).Seconds(), 1e-3)
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	fmt.Fprintf(b.s.out, "\rsetup: %s %3d%% |%-*s| %d of %d MB, %.0f MB/s ", b.label, done*100/b.total,
		barWidth, strings.Repeat("=", filled), done/1e6, b.total/1e6, rate)
}

// finish ends the bar. If ok is false, the bar keeps its last state.
func (b *bar) finish(ok bool) {
	if b.s.terminal {
		if ok {
			b.draw(b.total)
		}
		fmt.Fprintln(b.s.out)
		return
	}
	if ok {
		b.s.logf("%s: done in %.0f s", b.label, time.Since(b.start).Seconds())
	}
}
