package main

import (
	"fmt"
	"io"
	"time"

	"depthwise.dev/report"
)

// unit is the unit of a bar.
type unit int

const (
	inImages unit = iota
	inBytes
	inSteps
)

// String is the unit of what is counted one by one.
func (u unit) String() string {
	if u == inSteps {
		return "steps"
	}
	return "images"
}

const (
	barEvery   = 100 * time.Millisecond // how often the line of a bar is drawn
	plainEvery = 10 * time.Second       // how often a plain line is written
)

// bar returns a progress function that redraws a line on a terminal, and nil elsewhere.
func bar(w io.Writer, what string, u unit) func(done, total int64) {
	if !isTerminal(w) {
		return nil
	}
	return redraw(w, what, u, func() int { return report.Columns(w) }, time.Now)
}

// redraw returns a progress function that redraws a line and clears it at the end.
func redraw(w io.Writer, what string, u unit, columns func() int, now func() time.Time) func(done, total int64) {
	const home, clearRest = "\r", "\x1b[0K"
	started := now()
	var drawn time.Time
	return func(done, total int64) {
		t := now()
		switch {
		case done >= total:
			io.WriteString(w, home+clearRest) // writing may fail, the work continues
		case t.Sub(drawn) >= barEvery:
			drawn = t
			line := report.BarLine(report.Amount{Done: done, Total: total}, what+": "+amount(u, total), timeLeft(done, total, t.Sub(started)), columns())
			io.WriteString(w, home+line+clearRest)
		}
	}
}

// amount is the size of the work: "60000 images".
func amount(u unit, total int64) string {
	switch {
	case u != inBytes:
		return fmt.Sprintf("%d %s", total, u)
	case total < 1e9:
		return fmt.Sprintf("%.1f MB", float64(total)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(total)/1e9)
}

// timeLeft is negative before there is an estimate.
func timeLeft(done, total int64, elapsed time.Duration) time.Duration {
	if done <= 0 || elapsed < time.Second {
		return -1
	}
	return max(0, time.Duration(float64(elapsed)/float64(done)*float64(total-done)))
}

// progress is bar on a terminal, and a line every ten seconds elsewhere.
func progress(w io.Writer, what string) func(done, total int64) {
	return progressIn(w, what, inImages)
}

// progressIn is progress of images or steps.
func progressIn(w io.Writer, what string, u unit) func(done, total int64) {
	if b := bar(w, what, u); b != nil {
		return b
	}
	last := time.Now()
	return func(done, total int64) {
		if time.Since(last) >= plainEvery {
			last = time.Now()
			fmt.Fprintf(w, "%s: %d of %d %s\n", what, done, total, u)
		}
	}
}
