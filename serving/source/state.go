package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"depthwise.dev/formats"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// state identifies weights by the name, size and time of their file, and of what describes it. It reads no weights: it is
// called every few seconds.
func state(path string) (string, error) {
	files, err := files(path)
	if err != nil {
		return "", err
	}
	text := ""
	for i, name := range files {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) && i > 0 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("source: %w", err)
		}
		text += fmt.Sprintf("%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
	}
	return text, nil
}

// files lists the files that weights consist of. Of a run's folder without best weights it is the checkpoints: [formats.Find]
// reads them to find a valid one.
func files(path string) ([]string, error) {
	best := filepath.Join(path, weights.BestFile)
	if _, err := os.Stat(best); err == nil {
		return []string{best}, nil
	}
	checkpoints, err := filepath.Glob(filepath.Join(path, weights.CheckpointFolder, "*.safetensors"))
	if err == nil && len(checkpoints) > 0 {
		return checkpoints, nil
	}
	file, err := formats.Find(path)
	if err != nil {
		return nil, err
	}
	list := []string{file, weights.SidecarPath(file)}
	for _, name := range peers.Sidecars {
		list = append(list, filepath.Join(filepath.Dir(file), name))
	}
	return list, nil
}
