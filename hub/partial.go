package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"depthwise.dev/internal/atomicfile"
)

// partial is the beginning of a download, PATH.part, which a later attempt continues. It is locked, so that of two
// processes one downloads and the other waits.
type partial struct {
	file  *os.File
	path  string // of the whole file
	state partialState
	parts int // answers that the bytes are from
}

// partialState identifies what is being downloaded, PATH.part.json.
type partialState struct {
	ETag   string `json:"etag"`   // of the host that sent the bytes
	Linked string `json:"linked"` // digest that Hugging Face states
	Size   int64  `json:"size"`   // of the whole file; -1: unknown
}

// resumable reports whether a server can be asked for the rest of the same file.
func (s partialState) resumable() bool { return s.Linked != "" || isStrong(s.ETag) }

// isStrong reports whether equal ETags mean equal bytes. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
func isStrong(etag string) bool { return strongETag.MatchString(etag) }

var strongETag = regexp.MustCompile(`^"[!#-~]+"$`)

func partPath(path string) string      { return path + ".part" }
func partStatePath(path string) string { return path + ".part.json" }

const lockPoll = 50 * time.Millisecond

// openPartial opens and locks the partial file of a path. It waits for another process that holds it. If that process
// finished the file in the meantime, done is true and there is no partial file.
func openPartial(ctx context.Context, path string, isDone func() bool) (p *partial, done bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, false, err
	}
	for {
		f, err := os.OpenFile(partPath(path), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, false, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && isAt(f, partPath(path)) {
			p := &partial{file: f, path: path}
			if isDone() {
				return nil, true, errors.Join(p.discard(), f.Close())
			}
			return p, false, p.load()
		}
		f.Close() // locked by another process, or renamed by it since it was opened
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, fmt.Errorf("lock %s: %w", partPath(path), err)
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// isAt reports whether an open file still has its path.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	named, errNamed := os.Stat(path)
	return err == nil && errNamed == nil && os.SameFile(opened, named)
}

// load reads the state. Without a valid one the bytes cannot be continued.
func (p *partial) load() error {
	text, err := os.ReadFile(partStatePath(p.path))
	if err == nil {
		err = json.Unmarshal(text, &p.state)
	}
	if err != nil || !p.state.resumable() {
		return p.restart()
	}
	p.parts = 1
	return nil
}

// size is the number of bytes that are there.
func (p *partial) size() (int64, error) { return p.file.Seek(0, io.SeekEnd) }

// restart drops all bytes.
func (p *partial) restart() error {
	p.state, p.parts = partialState{Size: -1}, 0
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// begin records what the following bytes belong to.
func (p *partial) begin(s partialState) error {
	p.state = s
	p.parts++
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(partStatePath(p.path), text, 0o644)
}

// finish gives the file its final name, durably.
func (p *partial) finish() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(partPath(p.path), p.path); err != nil {
		return err
	}
	if err := os.Remove(partStatePath(p.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.OS{}.SyncDir(filepath.Dir(p.path))
}

// discard removes the partial file.
func (p *partial) discard() error {
	err := os.Remove(partPath(p.path))
	if e := os.Remove(partStatePath(p.path)); !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

// close releases the lock and leaves the bytes for a later attempt.
func (p *partial) close() error { return p.file.Close() }
