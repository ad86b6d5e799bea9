package page

import (
	"fmt"
	"html/template"
	"io"

	"depthwise.dev/report/charts"
)

// WriteChartPage writes a page with a title, lines of facts and charts. It refers to no other file.
func WriteChartPage(w io.Writer, title string, facts []string, list []charts.Chart) error {
	v := struct {
		Title  string
		Facts  []string
		Charts []template.HTML
		Style  template.CSS
	}{Title: title, Facts: facts, Style: template.CSS(charts.CSS() + style)}
	for _, c := range list {
		svg, err := inline(c)
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		v.Charts = append(v.Charts, svg)
	}
	t, err := template.New("charts").Parse(chartTemplate)
	if err == nil {
		err = t.Execute(w, v)
	}
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

const chartTemplate = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<style>{{.Style}}</style>
</head>
<body>
<header><h1>{{.Title}}</h1>
{{range .Facts}}<p class="sub">{{.}}</p>
{{end}}</header>
<main><div class="grid">{{range .Charts}}
<div class="card">{{.}}</div>{{end}}
</div></main>
</body>
</html>
`
