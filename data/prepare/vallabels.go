package prepare

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/data/internal/sys"
)

// synsetID is a WordNet ID, the name of an ImageNet class folder.
var synsetID = regexp.MustCompile(`^n\d{8}$`)

// valLabels maps the name of a validation image, without extension, to its class.
type valLabels map[string]string

const kaggleLabels = "LOC_val_solution.csv"

// parseValLabels reads one of the lists of the classes of ImageNet's validation images:
//
//	ILSVRC2012_val_00000001,n01751748 111 108 403 274   LOC_val_solution.csv of Kaggle
//	ILSVRC2012_val_00000001.JPEG n01751748              the simple list
//	n01751748                                           one line per image, in order
//
// It returns nil for a text that is not such a list.
func parseValLabels(data []byte) (valLabels, error) {
	labels := valLabels{}
	for number, line := range lines(data) {
		if number == 1 && strings.HasPrefix(line, "ImageId") {
			continue
		}
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		if len(words) == 1 {
			words = []string{fmt.Sprintf("ILSVRC2012_val_%08d", len(labels)+1), words[0]}
		}
		if len(words) < 2 || !synsetID.MatchString(words[1]) {
			if len(labels) == 0 {
				return nil, nil
			}
			return nil, fmt.Errorf("line %d is not an image and its class: %.60q", number, line)
		}
		name := strings.TrimSuffix(path.Base(words[0]), path.Ext(words[0]))
		if old, twice := labels[name]; twice && old != words[1] {
			return nil, fmt.Errorf("line %d: %s has two classes, %s and %s", number, name, old, words[1])
		}
		labels[name] = words[1]
	}
	if len(labels) == 0 {
		return nil, nil
	}
	return labels, nil
}

// findValLabels looks for a list in the folders: Kaggle's first, then every .txt that is a list (one of
// classes only must have "val" in its name), then the devkit. names are the human-readable names of the
// classes, if the devkit was used.
func findValLabels(folders []string) (labels valLabels, names map[string]string, err error) {
	for _, dir := range folders {
		lists, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*.txt"))
		slices.Sort(lists)
		for _, list := range append([]string{filepath.Join(dir, kaggleLabels)}, lists...) {
			data, err := readSmall(list)
			if err != nil || onlyClasses(data) && !strings.Contains(strings.ToLower(filepath.Base(list)), "val") {
				continue
			}
			if labels, err = parseValLabels(data); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", list, err)
			}
			if labels != nil {
				return labels, nil, nil
			}
		}
	}
	for _, dir := range folders {
		kit, err := findDevkit(dir)
		if err != nil {
			return nil, nil, err
		}
		if kit != nil {
			return kit.labels()
		}
	}
	return nil, nil, nil
}

// onlyClasses reports whether the first line is a class only. The same holds for a list of all classes.
func onlyClasses(data []byte) bool {
	for _, line := range lines(data) {
		return synsetID.MatchString(line)
	}
	return false
}

func escapeGlob(dir string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(dir, `\$0`)
}

// devkit holds the two files of ILSVRC2012_devkit_t12 that are needed.
type devkit struct{ meta, groundTruth []byte }

const (
	devkitName        = "ILSVRC2012_devkit_t12"
	devkitMeta        = "data/meta.mat"
	devkitGroundTruth = "data/ILSVRC2012_validation_ground_truth.txt"
)

// findDevkit reads the devkit in dir, unpacked or not; nil if there is none.
func findDevkit(dir string) (*devkit, error) {
	unpacked := filepath.Join(dir, devkitName)
	if sys.IsDir(unpacked) {
		meta, err := readSmall(filepath.Join(unpacked, devkitMeta))
		if err != nil {
			return nil, err
		}
		truth, err := readSmall(filepath.Join(unpacked, devkitGroundTruth))
		return &devkit{meta, truth}, err
	}
	packed := filepath.Join(dir, devkitName+".tar.gz")
	data, err := readSmall(packed)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kit, err := readDevkit(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", packed, err)
	}
	return kit, nil
}

func readDevkit(data []byte) (*devkit, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	kit := &devkit{}
	for t := tar.NewReader(io.LimitReader(z, matMaxBytes)); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		to := map[string]*[]byte{devkitName + "/" + devkitMeta: &kit.meta, devkitName + "/" + devkitGroundTruth: &kit.groundTruth}[path.Clean(h.Name)]
		if to == nil {
			continue
		}
		if *to, err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
	if kit.meta == nil || kit.groundTruth == nil {
		return nil, fmt.Errorf("%s or %s is missing", devkitMeta, devkitGroundTruth)
	}
	return kit, nil
}

// labels joins the ground truth, one number per image, with the synsets of the numbers.
func (k *devkit) labels() (valLabels, map[string]string, error) {
	synsets, names, err := k.synsets()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", devkitMeta, err)
	}
	labels := valLabels{}
	for number, line := range lines(k.groundTruth) {
		id, err := strconv.Atoi(line)
		synset, known := synsets[id]
		if err != nil || !known {
			return nil, nil, fmt.Errorf("%s: line %d: no class has the number %.20q", devkitGroundTruth, number, line)
		}
		labels[fmt.Sprintf("ILSVRC2012_val_%08d", len(labels)+1)] = synset
	}
	return labels, names, nil
}

// synsets reads meta.mat: the ID of each class (numbers 1 to 1000; higher numbers are inner nodes of
// the tree), and their names.
func (k *devkit) synsets() (ids map[int]string, names map[string]string, err error) {
	values, err := readMAT(k.meta)
	if err != nil {
		return nil, nil, err
	}
	ids, names = map[int]string{}, map[string]string{}
	for _, v := range values {
		if v.name != "synsets" {
			continue
		}
		for _, record := range v.records {
			id, wnid := record["ILSVRC2012_ID"].numbers, record["WNID"].text
			if len(id) != 1 || !synsetID.MatchString(wnid) {
				return nil, nil, fmt.Errorf("%w: a synset without number or ID", errMAT)
			}
			ids[int(id[0])] = wnid
			if children := record["num_children"].numbers; len(children) == 0 || children[0] == 0 {
				names[wnid] = record["words"].text
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%w: no synsets", errMAT)
	}
	return ids, names, nil
}
