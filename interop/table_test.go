//go:build interop

package interop

import (
	"fmt"
	"strings"
)

// outcome is what a client did with a network.
type outcome struct {
	opened, refused, failed bool
	version, note           string
	worst                   float64 // largest difference of a logit
	seconds                 float64
}

// table collects the outcomes of the rows.
type table struct {
	lines []line
}

// line is a row over all networks.
type line struct {
	row                     row
	opened, refused, failed int
	version, note           string
	worst                   float64
	worstNetwork            string
	seconds                 float64
}

func (t *table) add(r row, s subject, o outcome) {
	if len(t.lines) == 0 || t.lines[len(t.lines)-1].row.name() != r.name() {
		t.lines = append(t.lines, line{row: r})
	}
	l := &t.lines[len(t.lines)-1]
	for _, count := range []struct {
		of *int
		is bool
	}{{&l.opened, o.opened && !o.failed}, {&l.refused, o.refused && !o.failed}, {&l.failed, o.failed}} {
		if count.is {
			*count.of++
		}
	}
	if o.version != "" {
		l.version, l.note = o.version, o.note
	}
	if !(o.worst <= l.worst) {
		l.worst, l.worstNetwork = o.worst, s.name
	}
	l.seconds += o.seconds
}

// String is a Markdown table, as in docs/export.md.
func (t *table) String() string {
	var b strings.Builder
	b.WriteString("\n| format | opened by | networks | largest difference | refused | failed | seconds |\n|---|---|---|---|---|---|---|\n")
	for _, l := range t.lines {
		client := strings.TrimSpace(l.row.client + " " + l.version)
		if l.note != "" {
			client += "; " + l.note
		}
		difference := fmt.Sprintf("%.1e (%s)", l.worst, l.worstNetwork)
		if l.worst == 0 {
			difference = "none"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %d | %d | %.0f |\n", l.row.variant(), client, l.opened, difference, l.refused, l.failed, l.seconds)
	}
	return b.String()
}
