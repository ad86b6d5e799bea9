package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"
)

//go:embed page.html
var pageTemplate string

//go:embed style.css
var style string

//go:embed script.js
var script string

var parsed = sync.OnceValues(func() (*template.Template, error) { return template.New("page").Parse(pageTemplate) })

// Write writes the page of a run. It refers to no other file and to no address.
func Write(w io.Writer, d Data) error {
	v, err := d.view()
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return v.write(w)
}

func (v *view) write(w io.Writer) error {
	t, err := parsed()
	if err == nil {
		err = t.Execute(w, v)
	}
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}
