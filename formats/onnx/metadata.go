package onnx

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"depthwise.dev/formats/deploy"
)

// Entries of metadata_props that Encode adds, in the form of Ultralytics' exports.
const (
	metaNames     = "names" // {0: "cat", 1: "dog"}, a literal of Python
	metaImageSize = "imgsz" // [height, width]
)

// metadata are the entries of metadata_props, sorted.
func metadata(n deploy.Network, o Options) []pair {
	all := maps.Clone(o.Metadata)
	if all == nil {
		all = map[string]string{}
	}
	all[metaNames] = pythonNames(n.Classes)
	all[metaImageSize] = fmt.Sprintf("[%d, %d]", n.Input.Height, n.Input.Width)
	list := make([]pair, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, pair{key, all[key]})
	}
	return list
}

// pythonNames is a dict of Python for ast.literal_eval. The strings of encoding/json are literals of Python too: it escapes
// no character beyond U+FFFF, for which JSON would need two escapes and Python one.
func pythonNames(classes []string) string {
	var b strings.Builder
	for i, name := range classes {
		text, err := json.Marshal(name)
		if err != nil { // never for a string
			text = []byte(`""`)
		}
		fmt.Fprintf(&b, ", %d: %s", i, text)
	}
	return "{" + strings.TrimPrefix(b.String(), ", ") + "}"
}

// describe is the model's description.
func describe(n deploy.Network) string {
	return fmt.Sprintf("%s, a classifier of %d classes. Their names, the preprocessing of images and the origin of the weights are in the metadata.", n.Name, len(n.Classes))
}
