package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/internal/atomicfile"
)

// entry is a file of a bundle.
type entry struct {
	name       string // with '/' between folders
	executable bool
	size       int64
	open       func() (io.ReadCloser, error)
}

func (e entry) mode() fs.FileMode {
	if e.executable {
		return 0o755
	}
	return 0o644
}

// text is an entry of a few bytes.
func text(name string, content []byte) entry {
	return entry{name, false, int64(len(content)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// IsArchive reports whether a bundle of this name is a compressed archive instead of a folder.
func IsArchive(path string) bool {
	return archiveRoot(path) != ""
}

// archiveRoot is the folder in an archive, its name without extension; "" of a path that is not an archive's.
func archiveRoot(path string) string {
	name := filepath.Base(path)
	for _, extension := range []string{".tar.gz", ".tgz"} {
		if n := len(name) - len(extension); n > 0 && strings.EqualFold(name[n:], extension) {
			return name[:n]
		}
	}
	return ""
}

// writeArchive writes the entries below a folder with the archive's name. The same entries give the same bytes: there are no
// times and no owners in it.
func writeArchive(path string, entries []entry, progress func(int64)) error {
	err := atomicfile.Write(path, 0o666, func(w io.Writer) error {
		zipped := gzip.NewWriter(w)
		archive := tar.NewWriter(zipped)
		for _, e := range entries {
			header := &tar.Header{Name: archiveRoot(path) + "/" + e.name, Mode: int64(e.mode()), Size: e.size, Format: tar.FormatPAX}
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			if err := copyEntry(archive, e, progress); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), zipped.Close())
	})
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return nil
}

// writeFolder writes the entries to a new folder, which appears whole or not at all.
func writeFolder(path string, entries []entry, progress func(int64)) error {
	err := atomicfile.CreateFolder(path, func(dir string) error {
		for _, e := range entries {
			if err := writeEntry(filepath.Join(dir, filepath.FromSlash(e.name)), e, progress); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return nil
}

func writeEntry(path string, e entry, progress func(int64)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, e.mode())
	if err != nil {
		return err
	}
	holes := &sparse{file: file}
	err = copyEntry(holes, e, progress)
	if err == nil {
		err = file.Truncate(holes.at) // a hole at the end
	}
	return errors.Join(err, file.Sync(), file.Close())
}

func copyEntry(w io.Writer, e entry, progress func(int64)) error {
	r, err := e.open()
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(onlyWriter{w, progress}, onlyReader{r}, make([]byte, 1<<20))
	if err == nil && n != e.size {
		err = fmt.Errorf("%s changed while it was copied: it has %d bytes, had %d", e.name, n, e.size)
	}
	return errors.Join(err, r.Close())
}

// onlyWriter and onlyReader keep io.Copy from other ways to copy, so that it uses the buffer.
type onlyWriter struct {
	io.Writer
	progress func(int64)
}

func (w onlyWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.progress != nil {
		w.progress(int64(n))
	}
	return n, err
}

type onlyReader struct{ io.Reader }

// sparse writes a file and leaves holes for blocks of zeros.
type sparse struct {
	file *os.File
	at   int64
}

// hole is the size of a block of the usual file systems.
const hole = 4096

var zeros [hole]byte

// Write implements [io.Writer].
func (s *sparse) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		block := p[done:min(done+hole, len(p))]
		if !bytes.Equal(block, zeros[:len(block)]) {
			if _, err := s.file.WriteAt(block, s.at); err != nil {
				return done, err
			}
		}
		done += len(block)
		s.at += int64(len(block))
	}
	return len(p), nil
}
