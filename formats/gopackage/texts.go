package gopackage

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"path"
	"strings"
	"text/template"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/weights"
)

//go:embed templates/*
var templates embed.FS

// facts are what the templates name.
type facts struct {
	Name
	Network     string // quoted
	Classes     int
	Some        string // a few classes, quoted
	Input       string
	Images      bool // the network takes images
	DType       string
	Origin      *weights.Origin
	GoDirective string
}

// goDirective is the version of Go whose language package classifier uses, and whose net/http has patterns with methods.
const goDirective = "1.22"

// addTexts adds the files that name the network: doc.go, README.md and for a module go.mod.
func addTexts(files map[string][]byte, w weights.Weights, n deploy.Network, o Options) error {
	origin, err := w.PublishedOrigin()
	if err != nil {
		return err
	}
	side := n.Preprocess.Resolution
	f := facts{Name: o.Name, Network: fmt.Sprintf("%q", n.Name), Classes: len(n.Classes), Some: some(n.Classes), Input: n.Input.String(),
		Images: n.Input.Channels == 3 && n.Input.Height == side && n.Input.Width == side, DType: o.DType, Origin: origin, GoDirective: goDirective}
	for _, name := range []string{"doc.go", "README.md", "go.mod"} {
		if name == "go.mod" && !o.Name.Module {
			continue
		}
		t, err := template.ParseFS(templates, "templates/"+name+".tmpl")
		if err != nil {
			return fmt.Errorf("gopackage: %w", err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, f); err != nil {
			return fmt.Errorf("gopackage: %w", err)
		}
		text := b.Bytes()
		if path.Ext(name) == ".go" {
			if text, err = format.Source(text); err != nil {
				return fmt.Errorf("gopackage: %s: %w", name, err)
			}
		}
		files[name] = text
	}
	return nil
}

// some quotes the first classes, which may be any text.
func some(classes []string) string {
	const most = 5
	var quoted []string
	for _, c := range classes[:min(most, len(classes))] {
		quoted = append(quoted, fmt.Sprintf("%q", c))
	}
	if len(classes) > most {
		quoted = append(quoted, "...")
	}
	return strings.Join(quoted, ", ")
}
