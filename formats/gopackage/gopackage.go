// Package gopackage writes trained weights as a Go package that classifies images without cgo: package classifier with the
// weights embedded. It needs no libtorch.
package gopackage

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"strings"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/weights"
)

// source is package classifier, which is compiled and tested here with a small network.
//
//go:embed classifier/*.go classifier/*.s classifier/LICENSE classifier/cmd/serve/main.go
var source embed.FS

// here is the import path of package classifier.
const here = "depthwise.dev/formats/gopackage/classifier"

// WeightsFile is the file of the weights in a package.
const WeightsFile = "weights.bin"

// Options are the options of [Files].
type Options struct {
	Name  Name
	DType string // classifier.Float32 or classifier.BFloat16: the type of the stored weights
}

// Files returns the files of a package by their names, with '/' in names of folders.
func Files(w weights.Weights, o Options) (map[string][]byte, error) {
	n, file, err := prepare(w, o.DType)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{WeightsFile: file}
	if err := addGolden(files, n); err != nil {
		return nil, err
	}
	if err := addSource(files, o.Name); err != nil {
		return nil, err
	}
	return files, addTexts(files, w, n, o)
}

// Encode returns the file of the weights alone, for [classifier.Load].
func Encode(w weights.Weights, dtype string) ([]byte, error) {
	_, file, err := prepare(w, dtype)
	return file, err
}

// prepare returns the network with the weights as they are stored, and the file of weights.
func prepare(w weights.Weights, dtype string) (deploy.Network, []byte, error) {
	n, err := deploy.New(w, deploy.Options{})
	if err != nil {
		return n, nil, err
	}
	description, err := w.File()
	if err != nil {
		return n, nil, err
	}
	if err := round(&n, dtype); err != nil {
		return n, nil, err
	}
	file, err := encode(n, dtype, description.Meta)
	return n, file, err
}

// addSource copies package classifier without its tests, except the one that every network has.
func addSource(files map[string][]byte, name Name) error {
	return fs.WalkDir(source, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(file, "_test.go") && path.Base(file) != "golden_test.go" || path.Base(file) == "doc.go" {
			return err
		}
		text, err := source.ReadFile(file)
		if err != nil {
			return err
		}
		if path.Ext(file) == ".go" {
			if text, err = format.Source(rename(text, name)); err != nil { // the order of imports changes
				return fmt.Errorf("gopackage: %s: %w", file, err)
			}
		}
		files[strings.TrimPrefix(file, "classifier/")] = text
		return nil
	})
}

// rename replaces the package's name in its clause, in messages, and where cmd/serve imports it.
func rename(text []byte, name Name) []byte {
	for _, r := range []struct{ old, new string }{
		{"package classifier\n", "package " + name.Package + "\n"},
		{`"classifier: `, `"` + name.Package + ": "},
		{`classifier "` + here + `"`, `classifier "` + name.Path + `"`},
	} {
		text = bytes.ReplaceAll(text, []byte(r.old), []byte(r.new))
	}
	return text
}
