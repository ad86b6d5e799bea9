package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"depthwise.dev/internal/redact"
)

// StorageError says that the machine or its storage failed repeatedly, not that a file is bad. It ends
// the operation: leaving images out would make two runs differ.
type StorageError struct {
	Path  string // or an address, without its secrets
	Tries int
	Err   error
}

// Error says what failed and that the storage is the cause.
func (e *StorageError) Error() string {
	if strings.Contains(e.Path, "://") {
		return e.remoteError()
	}
	return fmt.Sprintf("data: %s: %v, %s: the storage or this machine fails, not the image; %s", e.Path, e.Err, times(e.Tries), e.advice())
}

// remoteError is the text for an address.
func (e *StorageError) remoteError() string {
	text := strings.TrimPrefix(e.Err.Error(), "remote: ")
	if !strings.HasPrefix(text, e.Path) {
		text = e.Path + ": " + text
	}
	if e.Tries == 1 {
		return redact.Text("data: " + text) // an answer that no retry fixes says enough
	}
	return redact.Text(fmt.Sprintf("data: %s, %s: the server or the network fails, not the image; check them and the address; a run continues with --resume auto", text, times(e.Tries)))
}

// Unwrap returns the system's error.
func (e *StorageError) Unwrap() error { return e.Err }

func (e *StorageError) advice() string {
	switch {
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "raise the limit of open files (ulimit -n)"
	case errors.Is(e.Err, syscall.ENOMEM):
		return "free memory, or use fewer workers"
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		return "free space there; the cache of remote shards takes up to --shard-cache gigabytes, and XDG_CACHE_HOME moves it"
	case errors.Is(e.Err, syscall.ESTALE):
		return "mount the network disk again"
	}
	return "check the disk, the network and the system's log"
}

// fileErrors belong to a single file: the image is skipped and named. All other errors of the system
// are errors of the machine: a network disk's ESTALE, ETIMEDOUT and EIO, a lost connection, too many
// open files.
var fileErrors = []syscall.Errno{
	syscall.ENOENT, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
	syscall.EACCES, syscall.EPERM, syscall.ENXIO, // ENXIO: a socket, or a device without a driver
	syscall.EINVAL, syscall.EOVERFLOW, syscall.EFBIG, syscall.EILSEQ,
}

// IsSystemError reports whether an error is one of the machine.
func IsSystemError(err error) bool {
	if err == nil {
		return false
	}
	var storage *StorageError
	var no syscall.Errno
	return errors.As(err, &storage) || errors.As(err, &no) && !slices.Contains(fileErrors, no)
}

// SystemError returns err if it is an error of the machine, and nil otherwise.
func SystemError(err error) error {
	if IsSystemError(err) {
		return err
	}
	return nil
}

// Waits are the pauses between attempts: a network disk usually recovers within two seconds. Tests
// count them.
var Waits = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond}

// Calls are the system calls of this package.
type Calls struct {
	ReadFile func(path string, read func() ([]byte, error)) ([]byte, error)
	ReadDir  func(path string) ([]fs.DirEntry, error)
	Stat     func(path string) (fs.FileInfo, error)
}

// Disk holds the calls in use. Tests replace them to inject faults.
var Disk = Calls{
	ReadFile: func(_ string, read func() ([]byte, error)) ([]byte, error) { return read() },
	ReadDir:  os.ReadDir,
	Stat:     os.Stat,
}

// MaxFileSize is the size of the largest file that is read: an uncompressed image of the largest size
// fits.
const MaxFileSize = 1 << 30

// ReadFile calls read, which reads the file at path.
func ReadFile(path string, read func() ([]byte, error)) ([]byte, error) {
	return Retry(path, func() ([]byte, error) { return Disk.ReadFile(path, read) })
}

// ReadDir lists a folder. If the folder itself has an error, the entries read so far come with it.
func ReadDir(path string) ([]fs.DirEntry, error) {
	return Retry(path, func() ([]fs.DirEntry, error) { return Disk.ReadDir(path) })
}

// Stat follows links.
func Stat(path string) (fs.FileInfo, error) {
	return Retry(path, func() (fs.FileInfo, error) { return Disk.Stat(path) })
}

// Retry repeats an operation while it fails with an error of the machine, and then returns a
// [StorageError].
func Retry[T any](path string, operation func() (T, error)) (T, error) {
	result, err := operation()
	for i := 0; IsSystemError(err); i++ {
		if i == len(Waits) {
			return result, &StorageError{Path: path, Tries: i + 1, Err: withoutPath(err)}
		}
		time.Sleep(Waits[i])
		result, err = operation()
	}
	return result, err
}

// withoutPath removes the path from an error that is printed beside it.
func withoutPath(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

// Reason returns the text of an error without the path, which is printed beside it.
func Reason(err error) string { return withoutPath(err).Error() }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
