package formats

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/weights"
)

// addOrigin takes over what the sidecar of a downloaded file describes: its origin, the preprocessing of the published
// weights, and the names of the classes where the file itself has only numbers. A file with an origin in its metadata
// needs none.
func addOrigin(w *weights.Weights, file string) error {
	if _, ok := w.Meta[weights.MetaOrigin]; ok {
		return nil
	}
	s, err := weights.ReadSidecar(file)
	if s == nil || err != nil {
		return err
	}
	if err := s.Check(file); err != nil {
		return err
	}
	if err := w.SetPublishedOrigin(s.Origin); err != nil {
		return err
	}
	if s.Preprocess != nil {
		if err := preprocessAs(w, *s.Preprocess); err != nil {
			return fmt.Errorf("formats: %s: %w", weights.SidecarPath(file), err)
		}
	}
	published := s.SHA256 == s.Origin.SHA256 // and not derived, perhaps for as many other classes
	if names := s.Origin.Classes(len(w.Classes)); names != nil && published && numbered(w.Classes) {
		w.Classes = names
	}
	return nil
}

// preprocessAs replaces the preprocessing, and makes the network one for images of its resolution, which arrays do not show.
func preprocessAs(w *weights.Weights, p data.Preprocess) error {
	w.Preprocess = p
	if w.Config == nil || w.Config.Resolution == p.Resolution {
		return nil
	}
	c := *w.Config
	c.Resolution = p.Resolution
	g, err := c.Graph()
	if err != nil {
		return err
	}
	w.Config, w.Graph = &c, g
	return nil
}

// numbered reports whether the names of classes are only their indices, such as "7", "class 7" or "LABEL_7".
func numbered(classes []string) bool {
	for i, name := range classes {
		digits := strings.TrimLeftFunc(name, func(r rune) bool { return r < '0' || r > '9' })
		if digits != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// writeOrigin keeps the origin of exported weights in a sidecar where the file does not hold it. A sidecar of a file that was
// replaced would describe the wrong file and is removed.
func writeOrigin(w weights.Weights, f Format, file string) error {
	o, err := w.PublishedOrigin()
	if err != nil {
		return err
	}
	described := o == nil || f.Describes == nil
	if !described {
		if described, err = f.Describes(w); err != nil {
			return err
		}
	}
	if described {
		if err := os.Remove(weights.SidecarPath(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("formats: a description of the previous file remains: %w", err)
		}
		return nil
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil // no file can be beside a pipe or device
	}
	sum, err := weights.Digest(file)
	if err != nil {
		return err
	}
	return weights.WriteSidecar(file, weights.Sidecar{SHA256: sum, Verified: "exported by depthwise", Origin: *o, Preprocess: &w.Preprocess})
}
