package data

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cacheFrom is the number of images from which on a listing is worth keeping: fewer are
// listed in a fraction of a second.
const cacheFrom = 50_000

// indexCache keeps listings of folders and indices of shards in the user's cache folder,
// one file for each thing that was listed. Nothing depends on it: what is missing,
// damaged or out of date is made again, and what cannot be written is left out.
type indexCache struct {
	dir  string // empty: keep nothing
	from int    // images

	settled time.Duration // see the constant
}

// path is the file for what lies at place.
func (c indexCache) path(kind, place string) string {
	if abs, err := filepath.Abs(place); err == nil && !isRemote(place) {
		place = abs
	}
	sum := sha256.Sum256([]byte(place))
	return filepath.Join(c.dir, "index", kind+"-"+hex.EncodeToString(sum[:12])+".gz")
}

// load lets read read what is kept, and reports whether it could.
func (c indexCache) load(kind, place string, read func(io.Reader) error) bool {
	if c.dir == "" {
		return false
	}
	f, err := os.Open(c.path(kind, place))
	if err != nil {
		return false
	}
	defer f.Close()
	return read(f) == nil
}

// save keeps what write writes, of so many images.
func (c indexCache) save(kind, place string, images int, write func(io.Writer) error) {
	if c.dir != "" && images >= c.from {
		_ = writeAtomically(c.path(kind, place), write) // it can be made again
	}
}
