package classify

import (
	"fmt"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

// nameClasses gives weights whose classes are numbers the names of the data set's classes, in their order, if there are
// as many and none is such a number. Weights of other tools mostly have no names, and torchvision's ImageFolder, timm and
// Keras number the folders in this order.
func nameClasses(w *weights.Weights, images *data.Dataset, o formats.ReadOptions) {
	if len(images.Classes) != len(w.Classes) {
		return
	}
	numbers := make(map[string]bool, len(w.Classes))
	for i, name := range w.Classes {
		if name != strconv.Itoa(i) {
			return
		}
		numbers[name] = true
	}
	for _, name := range images.Classes {
		if numbers[name] {
			return
		}
	}
	w.Classes = images.Classes
	if o.Log != nil {
		o.Log(fmt.Sprintf("classes are numbered by the sorted names of the %d folders", len(images.Classes)))
	}
}
