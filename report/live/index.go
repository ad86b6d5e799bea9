package live

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"sync"
	"time"

	"depthwise.dev/report/page"
	"depthwise.dev/report/runs"
)

//go:embed index.html
var indexTemplate string

var indexParsed = sync.OnceValues(func() (*template.Template, error) { return template.New("index").Parse(indexTemplate) })

// indexView is the list of runs in the form of its template.
type indexView struct {
	Title    string
	Count    string
	Style    template.CSS
	Script   template.JS
	Rows     []indexRow
	Problems []string
}

type indexRow struct {
	Name, Link, State, Error string
	Epochs, Best, BestValue  string
	BestEpoch                string
	Changed, ChangedValue    string
	Age                      string
	Size, SizeValue          string
	Network, Data            string
}

// indexPage renders the list.
func indexPage(dir string, list []runs.Run, broken []error, now time.Time) ([]byte, error) {
	v := indexView{Title: "Runs in " + dir, Style: template.CSS(page.Style()), Script: template.JS(page.LiveScript())}
	if v.Count = fmt.Sprintf("%d runs", len(list)); len(list) == 1 {
		v.Count = "1 run"
	}
	for _, r := range list {
		v.Rows = append(v.Rows, rowOf(dir, r, now))
	}
	for _, b := range broken {
		v.Problems = append(v.Problems, b.Error())
	}
	t, err := indexParsed()
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	return b.Bytes(), nil
}

func rowOf(dir string, r runs.Run, now time.Time) indexRow {
	row := indexRow{Name: nameIn(dir, r.Dir), Link: link(dir, r.Dir), State: string(r.State), Error: r.Error, Epochs: strconv.Itoa(r.Completed),
		Changed: r.Changed.Format("2006-01-02 15:04:05"), ChangedValue: strconv.FormatInt(r.Changed.Unix(), 10), Age: age(now.Sub(r.Changed)),
		Size: fmt.Sprintf("%.1f\u00a0MB", float64(r.Bytes)/1e6), SizeValue: strconv.FormatInt(r.Bytes, 10), Network: r.Network, Data: r.Data}
	if row.Name == "self" {
		row.Name = r.Dir
	}
	if r.Epochs > 0 {
		row.Epochs = fmt.Sprintf("%d/%d", r.Completed, r.Epochs)
	}
	if r.BestEpoch > 0 {
		best, unit := r.BestTop1, ""
		if r.BestMAP > 0 {
			best, unit = r.BestMAP, " mAP"
		}
		row.Best, row.BestValue = fmt.Sprintf("%.2f\u00a0%%%s", 100*best, unit), strconv.FormatFloat(best, 'g', -1, 64)
		row.BestEpoch = strconv.Itoa(r.BestEpoch)
	}
	return row
}

// age writes how long ago something was, in its largest whole unit.
func age(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"days", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}} {
		if n := int(d / unit.of); n > 0 {
			return fmt.Sprintf("%d\u00a0%s ago", n, unit.name)
		}
	}
	return "now"
}
