package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
)

// Digest is a hash of the classes and the relative names of the images of data sets. A set may be nil.
func Digest(sets ...*Dataset) string {
	h := sha256.New()
	for _, set := range sets {
		if set == nil {
			continue
		}
		fmt.Fprintf(h, "%d images of %q\n", set.Len(), set.Classes)
		for _, s := range set.Samples {
			if set.MultiLabel {
				fmt.Fprintf(h, "%d %q\n", s.Labels, set.relative(s.Path))
				continue
			}
			fmt.Fprintf(h, "%d %q\n", s.Class, set.relative(s.Path))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// relative returns the path of a sample relative to its data set.
func (d *Dataset) relative(path string) string {
	if rest, ok := strings.CutPrefix(path, d.Root+"/"); ok {
		return rest
	}
	if name, err := filepath.Rel(d.Root, path); err == nil {
		return name
	}
	return path
}
