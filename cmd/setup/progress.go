package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far a download or an unpacking is: a moving bar on a terminal, a line now and then elsewhere.
type bar struct {
	s      *setup
	what   string
	total  int64
	start  time.Time
	last   time.Time // when the last line was printed
	moving *progressbar.ProgressBar
}

// lineEvery is how often a line is printed where no bar can move.
const lineEvery = 5 * time.Second

// bar starts one; total is in bytes.
func (s *setup) bar(what string, total int64) *bar {
	b := &bar{s: s, what: what, total: total, start: time.Now(), last: time.Now()}
	if !s.terminal {
		s.say("%s (%d MB)", what, total/1e6)
		return b
	}
	b.moving = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(s.out),
		progressbar.OptionSetDescription("setup: "+what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(24),
	)
	return b
}

// set says how many bytes are done.
func (b *bar) set(done int64) {
	done = min(done, b.total)
	switch {
	case b.moving != nil:
		b.moving.Set64(done)
	case time.Since(b.last) >= lineEvery:
		b.last = time.Now()
		b.s.say("%s: %d of %d MB", b.what, done/1e6, b.total/1e6)
	}
}

// finish ends the bar; a failed one stays where it was.
func (b *bar) finish(ok bool) {
	if b.moving != nil {
		if ok {
			b.moving.Finish()
		}
		b.s.out.Write([]byte("\n"))
		return
	}
	if ok {
		b.s.say("%s: done in %.0f s", b.what, time.Since(b.start).Seconds())
	}
}
