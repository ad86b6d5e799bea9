package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"depthwise.dev/checkpoints"
)

// ErrFolderLost is returned when the run's folder, or a file in it that the run writes, was removed,
// renamed or replaced during the run.
var ErrFolderLost = errors.New("was removed, renamed or replaced during the run")

// watched is a file or folder that must stay where the run opened it. A process can write to an open
// file that nobody will find again, and would not notice.
type watched struct {
	path string
	what string
	todo string   // what the user can do
	open *os.File // keeps the file system from giving the inode to another file
	info fs.FileInfo
}

// watch remembers what the run has opened, until close.
func (f *runFolder) watch() error {
	if f.elsewhere {
		return nil
	}
	const back = "move it back and continue with train resume, or start again with another --out"
	for _, w := range []watched{
		{path: f.dir, what: "the run's folder", todo: "all that the run wrote is gone with it; if it was renamed, continue with train resume and its new name, otherwise start again with another --out"},
		{path: f.store.Dir, what: "the folder of the run's checkpoints", todo: back},
		{path: f.path(eventsFile), what: "the file of the run's events", todo: back},
		{path: f.path(metricsFile), what: "the file of the run's metrics", todo: back},
		{path: f.path(checkpoints.LockName), what: "the run's lock", todo: "another run could write to the folder now; end it, if there is one, and continue with train resume"},
	} {
		var err error
		if w.open, err = os.Open(w.path); err != nil {
			return fmt.Errorf("train: watch the run's folder: %w", err)
		}
		f.watched = append(f.watched, w)
		if f.watched[len(f.watched)-1].info, err = w.open.Stat(); err != nil {
			return fmt.Errorf("train: watch the run's folder: %w", err)
		}
	}
	return nil
}

// check returns ErrFolderLost if something that watch remembered is not there any more. Five calls of
// stat take 5 us on a local disk. Other errors of stat, as of a disk that does not answer, are left to
// the next write.
func (f *runFolder) check() error {
	for _, w := range f.watched {
		info, err := os.Stat(w.path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !os.SameFile(info, w.info) {
			return fmt.Errorf("train: %s, %s, %w; %s", w.what, w.path, ErrFolderLost, w.todo)
		}
	}
	return nil
}

// close ends the watch and releases the lock.
func (f *runFolder) close() {
	for _, w := range f.watched {
		w.open.Close() // opened for reading: the error carries no information
	}
	f.watched = nil
	f.unlock()
}
