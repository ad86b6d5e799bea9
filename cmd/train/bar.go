package main

import (
	"io"

	"github.com/schollz/progressbar/v3"
)

// unit is what a bar counts.
type unit int

const (
	inImages unit = iota
	inBytes
)

// bar returns a progress function that draws on a terminal, and nil elsewhere.
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
		_ = b.Set64(done) // a bar that cannot be drawn is no reason to stop
	}
}
