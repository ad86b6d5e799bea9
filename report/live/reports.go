package live

import (
	"bytes"
	"path/filepath"
	"sync"
	"time"

	"depthwise.dev/report/history"
	"depthwise.dev/report/page"
	"depthwise.dev/report/runs"
)

// maxReports is how many runs are kept in memory.
const maxReports = 16

// reports renders pages of runs from their files. What was read of a growing events.jsonl is kept.
type reports struct {
	rest int       // a page is used for this many times as long as rendering it took
	live page.Live // of the pages

	mu   sync.Mutex
	kept map[string]*rendered
}

type rendered struct {
	mu     sync.Mutex
	reader *history.Reader
	text   tagged
	until  time.Time // the page is rendered again after this
}

// page returns the page of a run.
func (r *reports) page(dir string, commands func(page.Data) []string) (tagged, error) {
	p := r.of(dir)
	p.mu.Lock()
	defer p.mu.Unlock()
	began := time.Now()
	if began.Before(p.until) {
		return p.text, nil
	}
	run, err := runs.Open(dir)
	if err != nil {
		return tagged{}, err
	}
	h, err := p.reader.Update()
	if err != nil {
		return tagged{}, err
	}
	d := page.Gather(dir, h)
	d.State = string(run.State)
	if commands != nil {
		d.Commands = commands(d)
	}
	d.Live = &r.live
	var b bytes.Buffer
	if err := page.Write(&b, d); err != nil {
		return tagged{}, err
	}
	p.text, p.until = tag(b.Bytes()), time.Now().Add(max(time.Second, time.Duration(r.rest)*time.Since(began)))
	return p.text, nil
}

// of returns what is kept of a run.
func (r *reports) of(dir string) *rendered {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.kept[dir]
	if p == nil {
		if r.kept == nil || len(r.kept) >= maxReports {
			r.kept = map[string]*rendered{}
		}
		p = &rendered{reader: history.NewReader(filepath.Join(dir, "events.jsonl"))}
		r.kept[dir] = p
	}
	return p
}
