package config

import (
	"cmp"

	"depthwise.dev/data/labels"
)

// The values of Config.PosWeight.
const (
	PosWeightNone     = "none"
	PosWeightBalanced = "balanced"
)

// PosWeights lists the values of Config.PosWeight.
var PosWeights = []string{PosWeightNone, PosWeightBalanced}

// multiLabel checks the settings of CSV files and of multi-label data.
func (v *collector) multiLabel(c Config) {
	v.OneOf("label_delimiter", cmp.Or(c.LabelDelimiter, "auto"), labels.Delimiters)
	v.OneOf("pos_weight", cmp.Or(c.PosWeight, PosWeightNone), PosWeights)
}
