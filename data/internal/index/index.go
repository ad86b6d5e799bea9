// Package index keeps listings of folders and indices of shards in the user's cache folder, one file
// for each. Results do not depend on it: what is missing, damaged or out of date is computed again,
// and what cannot be written is not kept.
package index

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"depthwise.dev/internal/atomicfile"
)

// MinImages is the number of images from which on a listing is kept: smaller ones take a fraction of a
// second.
const MinImages = 50_000

// Settled is the age from which on the modification time of a folder identifies its content: the
// resolution of the coarsest file systems is two seconds.
const Settled = 2 * time.Second

// Cache is a folder for listings. The zero value keeps nothing.
type Cache struct {
	Dir     string        // empty: nothing is kept
	From    int           // the smallest number of images to keep, normally MinImages
	Settled time.Duration // normally the constant
}

// New returns the cache in a folder; empty means none.
func New(dir string) Cache { return Cache{Dir: dir, From: MinImages, Settled: Settled} }

// Path returns the file for a listing of a place, which is a path or an address.
func (c Cache) Path(kind, place string) string {
	if abs, err := filepath.Abs(place); err == nil && !strings.Contains(place, "://") {
		place = abs
	}
	sum := sha256.Sum256([]byte(place))
	return filepath.Join(c.Dir, "index", kind+"-"+hex.EncodeToString(sum[:12])+".gz")
}

// Load calls read with the kept listing and reports whether read succeeded.
func (c Cache) Load(kind, place string, read func(io.Reader) error) bool {
	if c.Dir == "" {
		return false
	}
	f, err := os.Open(c.Path(kind, place))
	if err != nil {
		return false
	}
	defer f.Close()
	return read(f) == nil
}

// Save keeps what write writes, if it lists enough images.
func (c Cache) Save(kind, place string, images int, write func(io.Writer) error) {
	if c.Dir == "" || images < c.From {
		return
	}
	path := c.Path(kind, place)
	if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
		_ = atomicfile.Write(path, 0o644, write) // it can be computed again
	}
}
