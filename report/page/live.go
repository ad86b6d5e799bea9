package page

import (
	_ "embed"

	"depthwise.dev/report/charts"
)

//go:embed live.js
var liveScript string

//go:embed control.js
var controlScript string

// Live makes a page follow its run: a server renders it again, and a script replaces the parts that have changed.
type Live struct {
	Back     string // address of the list of runs; "": none
	Interval int    // seconds between two looks
	Controls bool   // the server takes requests that change the run
	Stream   string // address of the events of a run that trains (text/event-stream); "": none
}

// Style is the style of all pages.
func Style() string { return charts.CSS() + style }

// LiveScript is the script of a page that a server renders.
func LiveScript() string { return script + controlScript + liveScript }
