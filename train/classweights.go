package train

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/report"
)

// readClassWeights computes the class weights, or reads them. A run that is continued without the file that they were
// read from takes them from the checkpoint.
func (r *run) readClassWeights() error {
	classes := r.images.train.Classes
	var err error
	r.classWeights, err = r.config.WeightsOfClasses(classes, r.images.train.Counts())
	if r.folder.resume != nil && errors.Is(err, fs.ErrNotExist) {
		was, recorded := recordedClassWeights(r.folder.resume.Meta)
		if recorded && len(was) == len(classes) {
			r.classWeights, err = was, nil
		}
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// recordedClassWeights returns the class weights in the metadata of a checkpoint.
func recordedClassWeights(meta map[string]string) (weights []float64, ok bool) {
	err := json.Unmarshal([]byte(meta[metaWeights]), &weights)
	return weights, err == nil
}

// differentClassWeights compares the class weights with those of a checkpoint, of runs with the same kind of them.
func (r *run) differentClassWeights(meta map[string]string) []string {
	was, recorded := recordedClassWeights(meta)
	if !recorded || len(was) != len(r.classWeights) {
		return nil // the setting differs, or the images do
	}
	for i, w := range was {
		if w != r.classWeights[i] {
			return []string{fmt.Sprintf("the class weight of %q was %v and is %v", r.images.train.Classes[i], w, r.classWeights[i])}
		}
	}
	return nil
}

// classWeightsFile is the file of a run's folder with its class weights, which --class-weights reads.
const classWeightsFile = "class_weights.csv"

// recordClassWeights notes the smallest and the largest class weight and writes all to a file.
func (r *run) recordClassWeights() error {
	if r.classWeights == nil || r.folder.elsewhere {
		return nil
	}
	counts := r.images.train.Counts()
	describe := func(class int) string {
		return fmt.Sprintf("%.4g (%s, %s)", r.classWeights[class], r.images.train.Classes[class], imageCount(counts[class]))
	}
	low, high := slices.Min(r.classWeights), slices.Max(r.classWeights)
	note := r.note(report.Info, fmt.Sprintf("class weights %s: from %s to %s, all in %s; the validation loss is computed without them",
		r.config.ClassWeights, describe(slices.Index(r.classWeights, low)), describe(slices.Index(r.classWeights, high)), classWeightsFile))
	return errors.Join(note, r.writeClassWeights(counts))
}

// writeClassWeights writes the classes with their numbers of images and their weights.
func (r *run) writeClassWeights(counts []int) error {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	err := w.Write([]string{"class", "images", "weight"})
	for i, class := range r.images.train.Classes {
		err = errors.Join(err, w.Write([]string{class, strconv.Itoa(counts[i]), strconv.FormatFloat(r.classWeights[i], 'g', -1, 64)}))
	}
	w.Flush()
	path := r.folder.path(classWeightsFile)
	if err = errors.Join(err, w.Error(), regularfile.Clear(path)); err == nil {
		err = atomicfile.WriteFile(path, fileMode(r.config), text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("train: write the class weights: %w", err)
	}
	return nil
}
