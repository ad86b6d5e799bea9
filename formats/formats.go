// Package formats reads and writes trained weights in the formats of this and other programs. Each format has a file of
// its own and a row in All. It works on a graph and host arrays and needs no libtorch.
package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/internal/regularfile"
	"depthwise.dev/internal/validate"
	"depthwise.dev/weights"
)

// Format is a file format for weights.
type Format struct {
	// Name is the value of --format.
	Name string
	// Description says in a few words what a file of the format holds.
	Description string
	// Extensions of its files, with the dot, in lower case. The first one is the usual one.
	Extensions []string
	// Detect reports whether a file that begins with head is of this format. head holds at most
	// [HeadSize] bytes. nil: the content is that of another format of All, or the format is a folder.
	Detect func(head []byte) bool
	// Read reads a file: graph, arrays, classes and preprocessing. Arrays of other tools it hands to package
	// peers. nil: the format is only written.
	Read func(path string, o ReadOptions) (weights.Weights, error)
	// Write writes a file, or a folder if Folder is set, whole or not at all. nil: the format is only read. The options have
	// been checked against Options.
	Write func(path string, w weights.Weights, o WriteOptions) error
	// Describes reports whether a file of the format holds all metadata of the weights; for others Export writes a
	// [weights.Sidecar]. nil: it always does.
	Describes func(w weights.Weights) (bool, error)
	// Options names the options that Write takes, see [WriteOptions].
	Options []Option
	// Folder: Write creates a folder of several files. Extensions is then empty, and --format selects the format.
	Folder bool
	// Usage is the code that opens a written file in the program that the format is for; "" if that depends on more than the
	// weights say. nil: none is shown.
	Usage func(path string, w weights.Weights) string
}

// All lists the formats in the order in which help and messages name them.
var All = []Format{safetensors, timm, torchvision, huggingFace, onnxModel, tensorflowLite, scripted, npz, torch, keras, h5, goPackage}

// HeadSize is the number of bytes that Detect needs at most.
const HeadSize = 512

// ErrUnknown is returned when neither the content nor the extension of a file identifies its format.
var ErrUnknown = errors.New("unknown format of weights")

// Names lists the names of all formats that can be written.
func Names() []string {
	var names []string
	for _, f := range All {
		if f.Write != nil {
			names = append(names, f.Name)
		}
	}
	return names
}

// ByName returns the format of a name that can be written. The error is a *validate.Error for the field "format".
func ByName(name string) (Format, error) {
	for _, f := range All {
		if f.Name == name && f.Write != nil {
			return f, nil
		}
	}
	return Format{}, validate.OneOf("format", name, Names())
}

// ByExtension returns the first format that has the extension of a path and can be read, without one a format that can only
// be written, or [ErrUnknown].
func ByExtension(path string) (Format, error) {
	extension := strings.ToLower(filepath.Ext(path))
	var found Format
	for _, f := range All {
		if !slices.Contains(f.Extensions, extension) {
			continue
		}
		if f.Read != nil {
			return f, nil
		}
		if found.Name == "" {
			found = f
		}
	}
	if found.Name != "" {
		return found, nil
	}
	return Format{}, fmt.Errorf("formats: %s: %w: no format has the extension %q", path, ErrUnknown, extension)
}

// foreign are extensions of files that programs would mistake an output for, none of a format of All.
var foreign = []string{".ckpt", ".pkl", ".pb", ".gguf", ".mlmodel", ".npy", ".zip", ".tar", ".gz", ".json", ".yaml", ".csv", ".txt",
	".html", ".png", ".jpg", ".jpeg"}

// ForOutput returns the format in which to write a path: the named one, or where name is "" that of the extension, and
// without an extension, as for a device, the first of All. An extension that belongs to another format than the named one
// is an error.
func ForOutput(path, name string) (Format, error) {
	extension := strings.ToLower(filepath.Ext(path))
	if name == "" {
		return byOutput(path, extension)
	}
	named, err := ByName(name)
	if err != nil || slices.Contains(named.Extensions, extension) {
		return named, err
	}
	if other, err := ByExtension(path); err == nil {
		return Format{}, fmt.Errorf("formats: %s: the extension is that of %s, the format %s: change one of them", path, other.Name, named.Name)
	}
	if slices.Contains(foreign, extension) {
		use := "use " + strings.Join(named.Extensions, " or ")
		if named.Folder {
			use = "it is a folder, name one without an extension"
		}
		return Format{}, fmt.Errorf("formats: %s: the extension %s contradicts the format %s: %s", path, extension, named.Name, use)
	}
	return named, nil
}

// writers lists the formats that can be written to files with an extension. Where it is the usual one of some, the first of
// these is the only one.
func writers(extension string) []Format {
	var list []Format
	for _, f := range All {
		if f.Write == nil || !slices.Contains(f.Extensions, extension) {
			continue
		}
		if f.Extensions[0] == extension {
			return []Format{f}
		}
		list = append(list, f)
	}
	return list
}

// byOutput is the format of an output's extension.
func byOutput(path, extension string) (Format, error) {
	if extension == "" {
		return All[0], nil
	}
	list := writers(extension)
	if len(list) == 1 {
		return list[0], nil
	}
	f, err := ByExtension(path)
	switch {
	case len(list) > 1:
		var names []string
		for _, f := range list {
			names = append(names, f.Name)
		}
		return Format{}, fmt.Errorf("formats: %s: several formats have the extension %s: name one with --format: %s", path, extension, strings.Join(names, ", "))
	case err == nil:
		return Format{}, fmt.Errorf("formats: %s: the format %s can only be read; use %s", path, f.Name, strings.Join(writtenExtensions(), " or "))
	case slices.Contains(foreign, extension):
		return Format{}, fmt.Errorf("%w; use %s", err, strings.Join(writtenExtensions(), " or "))
	}
	return Format{}, fmt.Errorf("%w; name one with --format: %s", err, strings.Join(Names(), ", "))
}

// writtenExtensions lists the extensions that select a format to write.
func writtenExtensions() []string {
	var list []string
	for _, f := range All {
		if f.Write != nil && !f.Folder && writers(f.Extensions[0])[0].Name == f.Name {
			list = append(list, f.Extensions[0])
		}
	}
	return list
}

// Detect returns the format of a file from its content, or [ErrUnknown].
func Detect(path string) (Format, error) {
	head, err := readHead(path)
	if err != nil {
		return Format{}, fmt.Errorf("formats: %w", err)
	}
	for _, f := range All {
		if f.Detect != nil && f.Detect(head) {
			return f, nil
		}
	}
	if what := noWeights(head); what != "" {
		return Format{}, fmt.Errorf("formats: %s is %s", path, what)
	}
	return Format{}, fmt.Errorf("formats: %s: %w", path, ErrUnknown)
}

// noWeights says what a file is that came in place of weights, with what to do; "" if it is nothing known.
func noWeights(head []byte) string {
	text := strings.ToLower(strings.TrimSpace(string(head)))
	for _, known := range []struct{ prefix, what string }{
		{"version https://git-lfs.github.com/", "a pointer of Git LFS, not the weights: run \"git lfs pull\" in its folder"},
		{"<!doctype html", "an HTML page, not weights: the download failed; open its address in a browser to see why"},
		{"<html", "an HTML page, not weights: the download failed; open its address in a browser to see why"},
		{"dwgo0001", "the weights of a Go package, which can only be written: name what it was exported from"},
		{"<?xml", "an XML document, not weights: the download may have failed"},
		{"\x1f\x8b", "compressed with gzip: unpack it first"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"},
	} {
		if strings.HasPrefix(text, known.prefix) || bytes.HasPrefix(head, []byte(known.prefix)) {
			return known.what
		}
	}
	if len(head) == 0 {
		return "empty: copy or download it again"
	}
	return ""
}

func readHead(path string) ([]byte, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(file, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // a shorter file
	}
	return head[:n], err
}
