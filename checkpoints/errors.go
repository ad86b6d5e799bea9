package checkpoints

import "errors"

var (
	// ErrFormat is returned when a file is not a well-formed safetensors file: cut short, too long, or its header breaks a rule.
	ErrFormat = errors.New("not a valid safetensors file")

	// ErrDigest is returned when a file does not have the SHA-256 that it records: it was changed or damaged after it was written.
	ErrDigest = errors.New("damaged: the contents do not match the recorded SHA-256")

	// ErrNoDigest is among the reasons that Store.Latest gives when a well-formed file records no SHA-256, so nothing vouches for it.
	ErrNoDigest = errors.New("records no SHA-256")

	// ErrUnsupported is returned when a well-formed file holds an element type that this package does not read.
	ErrUnsupported = errors.New("unsupported element type")

	// ErrArray is returned when arrays or metadata cannot be stored: a nil array, an unsupported element type, a repeated or
	// reserved name, a layout that cannot be made row-major, text that is not UTF-8.
	ErrArray = errors.New("cannot be stored")

	// ErrNone is returned by Store.Latest when the folder holds no valid checkpoint, or does not exist.
	ErrNone = errors.New("no valid checkpoint")

	// ErrLocked is returned by Lock when another process holds the run's folder.
	ErrLocked = errors.New("in use by another run")

	// ErrNPY is returned when a file is not a well-formed .npy file, or holds an element type that this package does not read.
	ErrNPY = errors.New("not a valid .npy file")
)
