package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
)

// keepLine selects the lines of a file to keep. It is called for each line in order. A line
// includes its line end, which only an incomplete last line lacks.
type keepLine func(line []byte) bool

// openLines opens a file of lines for appending. If fresh, the file is truncated. Otherwise only
// the lines that keep selects remain; if one has to be dropped, the file is replaced atomically.
// The caller holds the run's lock.
func openLines(path string, fresh bool, keep keepLine) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if fresh {
		flags |= os.O_TRUNC
	} else if err := rewrite(path, keep); err != nil {
		return nil, fmt.Errorf("report: %s: %w", path, withAdvice(err))
	}
	f, err := regularfile.OpenFile(path, flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("report: %w", withAdvice(err))
	}
	return f, nil
}

// withAdvice says what to do about a named pipe, a folder or the like of the file's name.
func withAdvice(err error) error {
	if errors.Is(err, regularfile.ErrIrregular) {
		return fmt.Errorf("%w; remove it, or give another --out", err)
	}
	return err
}

func rewrite(path string, keep keepLine) error {
	old, err := regularfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close() // opened for reading: the error carries no information
	err = atomicfile.Write(path, 0o666, func(w io.Writer) error { return copyLines(w, old, keep) })
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// errUnchanged ends a rewrite that would change nothing.
var errUnchanged = errors.New("no line dropped")

func copyLines(w io.Writer, r io.Reader, keep keepLine) error {
	buffered := bufio.NewWriter(w)
	dropped, err := filterLines(buffered, r, keep)
	switch {
	case err != nil:
		return err
	case !dropped:
		return errUnchanged
	}
	return buffered.Flush()
}

// filterLines copies the lines that keep selects and reports whether it dropped any.
func filterLines(w io.Writer, r io.Reader, keep keepLine) (dropped bool, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return dropped, err
		}
		switch {
		case len(line) > 0 && keep(line):
			if _, err := w.Write(line); err != nil {
				return dropped, err
			}
		case len(line) > 0:
			dropped = true
		}
		if err != nil { // the end
			return dropped, nil
		}
	}
}

// lineFile holds the file operations that appending needs.
type lineFile interface {
	io.WriteCloser
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
}

// appendLine appends a complete line. After a partial write, as on a full disk, it truncates the
// file to its previous size, so that the next line starts at a line boundary.
func appendLine(f lineFile, line []byte) error {
	n, err := f.Write(line)
	if err == nil || n == 0 {
		return err
	}
	info, statErr := f.Stat()
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	return errors.Join(err, f.Truncate(info.Size()-int64(n)))
}
