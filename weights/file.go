package weights

import (
	"errors"

	"depthwise.dev/checkpoints"
)

// Names in a run's folder.
const (
	BestFile         = "best.safetensors"
	CheckpointFolder = "checkpoints"
)

// ErrNoWeights is returned when a file or folder holds no weights that describe themselves.
var ErrNoWeights = errors.New("no weights of depthwise here")

// Write writes the weights as a self-describing safetensors file, whole or not at all.
func (w Weights) Write(path string) error {
	f, err := w.File()
	if err != nil {
		return err
	}
	return checkpoints.Write(path, f)
}
