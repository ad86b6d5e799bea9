package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report/mlflow"
	"depthwise.dev/report/tensorboard"
)

// wholeRun lists what removes a run: its folder, or only the files that runs write if there are others in it, for --out may
// have named a folder with a user's files.
func wholeRun(r Run) ([]Removal, error) {
	var own []Removal
	others := false
	err := filepath.WalkDir(r.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == r.Dir {
			return err
		}
		name, err := filepath.Rel(r.Dir, path)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (name == checkpoint || name == tensorboard.Folder):
			return nil
		case e.IsDir():
			others = true
			return fs.SkipDir
		case name == checkpoints.LockName:
			return nil // stays: another process could lock a new file while this one holds the old one
		case !writtenByRuns(name):
			others = true
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			own = append(own, Removal{path, r.Dir, string(r.State) + "; other files of the folder stay", info.Size(), r.Changed})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	if !others {
		return []Removal{{r.Dir, r.Dir, string(r.State), r.Bytes, r.Changed}}, nil
	}
	return own, nil
}

// reportFiles are those of package report/page, which a test compares.
var reportFiles = []string{"report.html", "report.json", "predictions.csv", "results.png", "results.svg", "confusion_matrix.png", "confusion_matrix.svg"}

// writtenByRuns reports whether a run writes a file of this name, relative to its folder, or a temporary one before it.
func writtenByRuns(name string) bool {
	dir, base := filepath.Split(name)
	if final, ok := atomicfile.FinalName(base); ok {
		base = final
	}
	if dir == "" {
		return slices.Contains([]string{configFile, eventsFile, metricsFile, "class_weights.csv", "best.safetensors", mlflow.File}, base) || slices.Contains(reportFiles, base)
	}
	if filepath.Clean(dir) == tensorboard.Folder {
		return tensorboard.Own(base)
	}
	return strings.HasPrefix(base, "step-") && filepath.Ext(base) == ".safetensors"
}
