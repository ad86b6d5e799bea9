// Package imagenet has the names of ImageNet-1k's 1000 classes, in the order of the logits of published weights.
//
// The names in classes.txt are those of torchvision 0.29.2 (torchvision/models/_meta.py, BSD-3-Clause), the WordNet
// identifiers (synsets) those of timm 1.0.31 (timm/data/_info/imagenet_synsets.txt, Apache-2.0). Both are in the order of
// the sorted identifiers, which is that of ImageNet's class folders (https://image-net.org/challenges/LSVRC/2012).
package imagenet

import (
	_ "embed"
	"strings"
	"sync"
)

// Dataset is the name of the data set in the origin of weights (weights.Origin.Dataset).
const Dataset = "imagenet-1k"

// Background is the first class of networks with 1001 outputs, as TF-slim trains them.
const Background = "background"

//go:embed classes.txt
var table string

// read parses the table once: a line a class, synset and name separated by a tab.
var read = sync.OnceValues(func() (synsets, names []string) {
	for line := range strings.Lines(table) {
		synset, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		synsets, names = append(synsets, synset), append(names, name)
	}
	return synsets, names
})

// Names returns the names of the classes of a network trained on ImageNet-1k, by the number of its outputs: 1000, or 1001
// with [Background] first. It returns nil for any other number. The caller must know from the origin of the weights that
// the network was trained on ImageNet: a network of 1000 other classes looks the same.
func Names(outputs int) []string {
	_, names := read()
	return withBackground(names, outputs)
}

// Synsets returns the WordNet identifiers, such as n01440764, in the order of [Names]. The background class of 1001
// outputs has none and is [Background].
func Synsets(outputs int) []string {
	synsets, _ := read()
	return withBackground(synsets, outputs)
}

func withBackground(list []string, outputs int) []string {
	switch outputs {
	case len(list):
		return append([]string{}, list...)
	case len(list) + 1:
		return append([]string{Background}, list...)
	}
	return nil
}

// IsNames reports whether names of classes are those of ImageNet, in its order: of each the first synonym, as in "tench"
// or "tench, Tinca tinca". Lists differ in the spelling of a few names, so one in ten may.
func IsNames(classes []string) bool {
	names, same := Names(len(classes)), 0
	for i, name := range names {
		if first, _, _ := strings.Cut(classes[i], ","); strings.EqualFold(first, name) {
			same++
		}
	}
	return names != nil && same*10 >= len(names)*9
}
