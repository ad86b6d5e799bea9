package bundle

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"text/template"
)

// Options are the options of [Create].
type Options struct {
	Program string // path of the program
	Output  string // the folder to create, or the archive if [IsArchive]
	// Weights is a file of trained weights to add as weights/NAME; "": none.
	Weights string
	// Server says that the program is a server of the Go package for weights (formats/gopackage), not train: the files that
	// say how to use it are others.
	Server bool
	// Progress, if not nil, is called with the bytes written so far and in all.
	Progress func(done, total int64)
}

// File is a file of a bundle.
type File struct {
	Name   string // below the bundle
	Source string // the path that it was copied from, "" of a description
	Bytes  int64  // without the symbols for debuggers, which are left out
}

// Result describes a bundle.
type Result struct {
	Files []File
	Bytes int64  // of all files
	Glibc string // the oldest glibc that runs it, such as 2.34; "" for a static program
}

//go:embed templates
var templates embed.FS

// Create copies a program and the libraries that it needs. The copies find each other relative to the program ($ORIGIN), so
// that the bundle can be moved. Files and folders appear whole or not at all. It returns
// [atomicfile.ErrFolderExists] and [ErrGPU].
func Create(o Options) (Result, error) {
	b := &builder{}
	name := filepath.Base(o.Program)
	if err := b.add(path.Join(programFolder, name), o.Program, programSearch); err != nil {
		return Result{}, err
	}
	var list []library
	if b.dynamic {
		var err error
		if list, err = libraries(o.Program); err != nil {
			return Result{}, err
		}
	}
	if len(list) > 0 && b.searchless {
		return Result{}, fmt.Errorf("bundle: %s has no search path for its libraries that could be replaced; build it with make build", o.Program)
	}
	for _, l := range list {
		if err := b.add(path.Join(libraryFolder, l.name), l.path, librarySearch); err != nil {
			return Result{}, err
		}
	}
	weights := ""
	if o.Weights != "" {
		weights = path.Join("weights", filepath.Base(o.Weights))
		if err := b.addPlain(weights, o.Weights); err != nil {
			return Result{}, err
		}
	}
	if err := b.describe(o, name, weights); err != nil {
		return Result{}, err
	}
	return b.result, b.write(o)
}

// builder collects the files of a bundle.
type builder struct {
	entries    []entry
	result     Result
	glibc      version
	searchless bool // the last program or library has no search path
	dynamic    bool // it needs the dynamic loader
}

// add adds a program or a library.
func (b *builder) add(name, source, search string) error {
	c, err := inspectFile(source, search)
	if err != nil {
		return err
	}
	b.glibc = b.glibc.max(c.object.glibc)
	b.searchless, b.dynamic = c.object.searchPath < 0, c.object.dynamic
	b.entries = append(b.entries, entry{name, path.Dir(name) == programFolder, c.size, c.open})
	b.count(File{name, source, c.stored()})
	return nil
}

// addPlain adds a file as it is.
func (b *builder) addPlain(name, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	b.entries = append(b.entries, entry{name, false, info.Size(), func() (io.ReadCloser, error) { return os.Open(source) }})
	b.count(File{name, source, info.Size()})
	return nil
}

func (b *builder) count(f File) {
	b.result.Files = append(b.result.Files, f)
	b.result.Bytes += f.Bytes
}

// describe adds the files that say how to use the bundle.
func (b *builder) describe(o Options, program, weights string) error {
	if b.glibc != (version{}) {
		b.result.Glibc = b.glibc.String()
	}
	folder := "templates/train/*"
	if o.Server {
		folder = "templates/server/*"
	}
	parsed, err := template.ParseFS(templates, folder)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	files, err := fs.Glob(templates, folder) // sorted, as the files of an archive
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	for _, file := range files {
		t := parsed.Lookup(path.Base(file))
		var text bytes.Buffer
		err := t.Execute(&text, map[string]any{"Program": program, "Weights": weights, "Glibc": b.result.Glibc, "Files": b.result.Files, "Bytes": b.result.Bytes})
		if err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
		b.addText(t.Name(), text.Bytes())
	}
	return nil
}

func (b *builder) addText(name string, content []byte) {
	b.entries = append(b.entries, text(name, content))
}

func (b *builder) write(o Options) error {
	var done, total int64
	for _, e := range b.entries {
		total += e.size
	}
	progress := func(n int64) {
		done += n
		if o.Progress != nil {
			o.Progress(done, total)
		}
	}
	if IsArchive(o.Output) {
		return writeArchive(o.Output, b.entries, progress)
	}
	return writeFolder(o.Output, b.entries, progress)
}
