package formats

import (
	"cmp"

	"depthwise.dev/formats/gopackage"
	"depthwise.dev/weights"
)

// goPackage is a folder of Go source with the weights in it. It can only be written.
var goPackage = Format{
	Name:        "go",
	Description: "a Go package without cgo: weights, code, server",
	Write:       writeGoPackage,
	Options:     []Option{OptionBFloat16},
	Folder:      true,
}

// writeGoPackage names the package by its folder.
func writeGoPackage(path string, w weights.Weights, o WriteOptions) error {
	name, err := gopackage.NameOf(path)
	if err != nil {
		return err
	}
	files, err := gopackage.Files(w, gopackage.Options{Name: name, DType: cmp.Or(o.DType, Float32)})
	if err != nil {
		return err
	}
	return writeFolder(path, files)
}
