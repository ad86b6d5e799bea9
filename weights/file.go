package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats"
)

// Names in a run's folder.
const (
	BestFile         = "best.safetensors"
	CheckpointFolder = "checkpoints"
)

// ErrNoWeights is returned when a file or folder holds no weights that describe themselves.
var ErrNoWeights = errors.New("no weights of depthwise here")

// Read reads the weights of a file (best.safetensors, a checkpoint, an export) or of a run's
// folder: its best.safetensors, or its newest checkpoint where there is none yet. Of a run with a
// weight average it is the average; see [Weights.Plain].
func Read(path string) (Weights, error) {
	file, err := find(path)
	if err != nil {
		return Weights{}, err
	}
	f, err := formats.Read(file)
	if err != nil {
		return Weights{}, err
	}
	w, err := FromFile(f)
	if err != nil {
		return Weights{}, fmt.Errorf("weights: %s: %w", file, err)
	}
	return w, nil
}

// find returns the file that a path given as --weights means.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	best := filepath.Join(path, BestFile)
	if _, err := os.Stat(best); err == nil {
		return best, nil
	}
	newest, _, _, err := checkpoints.Store{Dir: filepath.Join(path, CheckpointFolder)}.Latest()
	if err != nil {
		return "", fmt.Errorf("weights: %s: %w: neither %s nor a checkpoint; name a file or a run's folder", path, ErrNoWeights, BestFile)
	}
	return newest, nil
}

// Write writes the weights as a self-describing safetensors file, atomically.
func (w Weights) Write(path string) error {
	f, err := w.File()
	if err != nil {
		return err
	}
	return checkpoints.Write(path, f)
}
