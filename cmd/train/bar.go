package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// unit is the unit of a bar.
type unit int

const (
	inImages unit = iota
	inBytes
)

// bar returns a progress function that draws a bar on a terminal, and nil elsewhere.
func bar(w io.Writer, what string, u unit) func(done, total int64) {
	if !isTerminal(w) {
		return nil
	}
	var b *progressbar.ProgressBar
	return func(done, total int64) {
		if b == nil {
			b = progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionShowBytes(u == inBytes), progressbar.OptionClearOnFinish())
		}
		_ = b.Set64(done) // drawing may fail, the work continues
	}
}

// progress is bar on a terminal, and a line every ten seconds elsewhere.
func progress(w io.Writer, what string) func(done, total int64) {
	if b := bar(w, what, inImages); b != nil {
		return b
	}
	const every = 10 * time.Second
	last := time.Now()
	return func(done, total int64) {
		if time.Since(last) >= every {
			last = time.Now()
			fmt.Fprintf(w, "%s: %d of %d images\n", what, done, total)
		}
	}
}
