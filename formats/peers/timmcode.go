package peers

import (
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/models/mobilenet"
)

// timmWidths are the width multipliers for which timm has a function.
var timmWidths = map[string][]float64{"mobilenet_v1": {1, 1.25}, "mobilenet_v2": {0.35, 0.5, 0.75, 1, 1.4}}

// TimmModel is Python code that constructs a network of [Timm] with arguments such as "num_classes=10". create reports whether
// it calls timm.create_model, which takes a checkpoint_path too; widths without a function of their own need the function
// that those call.
func TimmModel(c mobilenet.Config, arguments string) (code string, create bool) {
	version := strings.TrimPrefix(c.Arch, "mobilenet_") // v1
	if slices.Contains(timmWidths[c.Arch], c.Width) {
		return fmt.Sprintf("timm.create_model(\"mobilenet%s_%03.0f\", %s)", version, 100*c.Width, arguments), true
	}
	return fmt.Sprintf("timm.models.efficientnet._gen_mobilenet_%[1]s(\"mobilenet%[1]s_100\", %[2]v, %[3]s)", version, c.Width, arguments), false
}
