package checkpoints

import "errors"

var (
	// ErrFormat is returned when a file is not a well-formed safetensors file: truncated, too long,
	// or with an invalid header.
	ErrFormat = errors.New("not a valid safetensors file")

	// ErrDigest is returned when a file does not match the SHA-256 that it records: it was changed
	// or damaged after it was written.
	ErrDigest = errors.New("damaged: the contents do not match the recorded SHA-256")

	// ErrNoDigest is among the reasons of Store.Latest when a well-formed file records no SHA-256,
	// so that it cannot be verified.
	ErrNoDigest = errors.New("records no SHA-256")

	// ErrUnsupported is returned when a well-formed file has an element type that this package does
	// not read.
	ErrUnsupported = errors.New("unsupported element type")

	// ErrArray is returned when arrays or metadata cannot be stored: a nil array, an unsupported
	// element type, a repeated or reserved name, a layout that cannot be converted to row-major,
	// text that is not UTF-8.
	ErrArray = errors.New("cannot be stored")

	// ErrNone is returned by Store.Latest when the folder contains no valid checkpoint, or does not
	// exist.
	ErrNone = errors.New("no valid checkpoint")

	// ErrLocked is returned by Lock when another process has locked the run's folder.
	ErrLocked = errors.New("in use by another run")

	// ErrNPY is returned when a file is not a well-formed .npy file, or has an element type that
	// this package does not read.
	ErrNPY = errors.New("not a valid .npy file")
)
