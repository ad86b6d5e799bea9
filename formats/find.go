package formats

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/gopackage"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// usualFiles are the names under which other tools save weights in a folder, the first preferred: Transformers and timm,
// then the names of tutorials, those that say most about the network first.
var usualFiles = []string{"model.safetensors", "pytorch_model.bin", "model.keras", "model.h5", "model.weights.h5", "model.pth", "model.pt"}

// Find resolves a path of weights to a file: a file to itself; a run's folder to its best.safetensors, or to its newest
// checkpoint if there is none yet; a folder of Transformers, timm or Keras to model.safetensors, pytorch_model.bin, model.keras or a
// similar name; any other folder to the only file in it with the extension of a format.
func Find(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("formats: %w; give a file of weights, the folder of a run, or a name that train weights list prints", err)
	}
	if err != nil {
		return "", fmt.Errorf("formats: %w", err)
	}
	if info.Mode().IsRegular() {
		return path, nil
	}
	if !info.IsDir() { // the reader opens it again after its format was detected
		return "", fmt.Errorf("formats: %s: weights are read from a regular file or a run's folder, not from a pipe or device: save them to a file first", path)
	}
	if best := filepath.Join(path, weights.BestFile); exists(best) {
		return best, nil
	}
	newest, _, _, err := checkpoints.Store{Dir: filepath.Join(path, weights.CheckpointFolder)}.Latest()
	if err == nil {
		return newest, nil
	}
	for _, name := range usualFiles {
		if file := filepath.Join(path, name); exists(file) {
			return file, nil
		}
	}
	return onlyFile(path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// onlyFile returns the only file of a folder whose extension is that of a format that can be read.
func onlyFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("formats: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".safetensors.index.json") {
			return "", fmt.Errorf("formats: %s: weights in several files (%s); in Python, save them in one: model.save_pretrained(DIR, max_shard_size=\"1GB\")", dir, e.Name())
		}
		f, err := ByExtension(e.Name())
		if err == nil && f.Read != nil && !e.IsDir() {
			files = append(files, e.Name())
		}
	}
	switch len(files) {
	case 1:
		return filepath.Join(dir, files[0]), nil
	case 0:
		if exists(filepath.Join(dir, gopackage.WeightsFile)) {
			return "", fmt.Errorf("formats: %s: %w: a Go package can only be written: name what it was exported from", dir, weights.ErrNoWeights)
		}
		return "", fmt.Errorf("formats: %s: %w: neither %s nor a checkpoint, %s or another file of weights; name a file or a run's folder", dir, weights.ErrNoWeights, weights.BestFile, strings.Join(usualFiles, ", "))
	}
	return "", fmt.Errorf("formats: %s has several files of weights (%s): name one of them", dir, strings.Join(files, ", "))
}

// maxSidecar bounds a configuration file. That of a network of 21,841 classes has 2 MB.
const maxSidecar = 16 << 20

// sidecars reads the configuration files beside a file of weights.
func sidecars(path string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range peers.Sidecars {
		beside := filepath.Join(filepath.Dir(path), name)
		info, err := os.Stat(beside)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.Size() > maxSidecar {
			err = fmt.Errorf("%s has %d bytes, more than a configuration", beside, info.Size())
		}
		if err == nil {
			files[name], err = os.ReadFile(beside)
		}
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// fromPeer converts the state of another tool's file.
func fromPeer(path string, s peers.State, o ReadOptions) (weights.Weights, error) {
	files, err := sidecars(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	s.Files = files
	w, err := peers.Weights(s, peers.Options{Variant: o.Variant})
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return w, nil
}
