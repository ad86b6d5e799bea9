package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"depthwise.dev/data/jpeg"
)

// StorageError says that the machine or its storage failed, not an image: reading it was
// tried several times. Leaving images out for it would make two runs differ, and a disk
// that is gone would train a network on nothing, so it ends what it happens to.
type StorageError struct {
	Path  string
	Tries int
	Err   error
}

func (e *StorageError) Error() string {
	return fmt.Sprintf("data: %s: %v, %d times: the storage or this machine fails, not the image; %s", e.Path, e.Err, e.Tries, e.advice())
}

// Unwrap returns the system's error.
func (e *StorageError) Unwrap() error { return e.Err }

func (e *StorageError) advice() string {
	switch {
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "raise the limit of open files (ulimit -n)"
	case errors.Is(e.Err, syscall.ENOMEM):
		return "free memory, or use fewer workers"
	case errors.Is(e.Err, syscall.ESTALE):
		return "mount the network disk again"
	}
	return "look at the disk, the network and the system's log"
}

// ofTheFile are the errors that belong to a single name: the image is left out and named.
// Every other error of the system is its own: a network disk's ESTALE, ETIMEDOUT and EIO,
// a lost connection, no more open files.
var ofTheFile = []syscall.Errno{
	syscall.ENOENT, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
	syscall.EACCES, syscall.EPERM, syscall.ENXIO, // ENXIO: a socket, or a device without a driver
	syscall.EINVAL, syscall.EOVERFLOW, syscall.EFBIG, syscall.EILSEQ,
}

// isSystemError tells what is wrong with the machine from what is wrong with an image.
func isSystemError(err error) bool {
	if err == nil {
		return false
	}
	var storage *StorageError
	var no syscall.Errno
	return errors.As(err, &storage) || errors.As(err, &no) && !slices.Contains(ofTheFile, no)
}

// waits are the pauses between tries: a network disk that hiccups is back in two seconds,
// and a run that ends is told to resume.
var waits = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond}

// disk is what the package asks of the system; tests put failures in its place.
var disk = struct {
	readFile func(d *jpeg.Decoder, path string, limit int64) ([]byte, error)
	readDir  func(path string) ([]fs.DirEntry, error)
	stat     func(path string) (fs.FileInfo, error)
}{(*jpeg.Decoder).ReadFile, os.ReadDir, os.Stat}

// maxFileSize is the largest file that is read: an uncompressed image of the largest size fits.
const maxFileSize = 1 << 30

// readFile reads a file into the decoder's memory.
func readFile(d *jpeg.Decoder, path string) ([]byte, error) {
	return retried(path, func() ([]byte, error) { return disk.readFile(d, path, maxFileSize) })
}

// readDir lists a folder. With an error of the folder itself come the entries that were read.
func readDir(path string) ([]fs.DirEntry, error) {
	return retried(path, func() ([]fs.DirEntry, error) { return disk.readDir(path) })
}

// stat follows links.
func stat(path string) (fs.FileInfo, error) {
	return retried(path, func() (fs.FileInfo, error) { return disk.stat(path) })
}

// retried calls ask again while the system fails, and then returns a [StorageError].
func retried[T any](path string, ask func() (T, error)) (T, error) {
	answer, err := ask()
	for i := 0; isSystemError(err); i++ {
		if i == len(waits) {
			return answer, &StorageError{Path: path, Tries: i + 1, Err: causeOf(err)}
		}
		time.Sleep(waits[i])
		answer, err = ask()
	}
	return answer, err
}

// causeOf takes the path off an error that is shown beside it.
func causeOf(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}
