package formats

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights"
)

// Read reads the weights of a file, in the format of its content, or of a run's folder: its
// best.safetensors, or its newest checkpoint if there is none yet. For a run with a weight average it
// returns the average; see [weights.Weights.Plain]. If the content identifies no format, as that of a
// damaged file, the extension selects it, and its reader then names the defect.
func Read(path string) (weights.Weights, error) {
	file, err := find(path)
	if err != nil {
		return weights.Weights{}, err
	}
	f, err := Detect(file)
	if errors.Is(err, ErrUnknown) {
		f, err = ByExtension(file)
	}
	if err != nil {
		return weights.Weights{}, err
	}
	if f.Read == nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: files of the format %s (%s) can only be written", file, f.Name, f.Description)
	}
	return f.Read(file)
}

// find resolves a path given as --weights to a file.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("formats: %w", err)
	}
	if info.Mode().IsRegular() {
		return path, nil
	}
	if !info.IsDir() { // the reader opens it again after its format was detected
		return "", fmt.Errorf("formats: %s: weights are read from a regular file or a run's folder, not from a pipe or device: save them to a file first", path)
	}
	best := filepath.Join(path, weights.BestFile)
	if _, err := os.Stat(best); err == nil {
		return best, nil
	}
	newest, _, _, err := checkpoints.Store{Dir: filepath.Join(path, weights.CheckpointFolder)}.Latest()
	if err != nil {
		return "", fmt.Errorf("formats: %s: %w: neither %s nor a checkpoint; name a file or a run's folder", path, weights.ErrNoWeights, weights.BestFile)
	}
	return newest, nil
}
