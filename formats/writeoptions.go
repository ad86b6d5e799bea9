package formats

import (
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/internal/validate"
)

// Option names an option that a format can have, as the flag of train export.
type Option string

// The options. A DType counts as one option of its own per type.
const (
	OptionFoldBatchNorm Option = "fold-batch-norm"
	OptionUint8Input    Option = "uint8-input"
	OptionFloat16       Option = "dtype fp16"
	OptionBFloat16      Option = "dtype bf16"
)

// Types of stored weights, the values of [WriteOptions.DType].
const (
	Float32  = "fp32"
	Float16  = "fp16"
	BFloat16 = "bf16"
)

// DTypes lists the types of stored weights.
var DTypes = []string{Float32, Float16, BFloat16}

// WriteOptions are the options of [Format.Write]. Every format accepts the zero value; what else one accepts is in its
// Options.
type WriteOptions struct {
	// KeepBatchNorm writes batch norms as operations of their own. Otherwise formats that hold operations fold them into
	// the convolutions before them, which is faster, and exact but for rounding.
	KeepBatchNorm bool
	// Uint8Input makes the network take pixels, uint8 of (N, H, W, 3) in RGB order, and normalize them itself. Otherwise
	// it takes normalized float32 values in the format's own layout.
	Uint8Input bool
	// DType is the type in which weights are stored; "" is Float32. Computation is in float32 whatever it is.
	DType string
}

// Check refuses options that the format does not have. The error is a *validate.Error for the field of the option.
func (f Format) Check(o WriteOptions) error {
	if o.DType != "" && !slices.Contains(DTypes, o.DType) {
		return validate.OneOf("dtype", o.DType, DTypes)
	}
	for _, given := range []struct {
		set    bool
		option Option
		field  string
		value  string
	}{
		{o.KeepBatchNorm, OptionFoldBatchNorm, "fold-batch-norm", "false"},
		{o.Uint8Input, OptionUint8Input, "uint8-input", "true"},
		{o.DType == Float16, OptionFloat16, "dtype", strconv.Quote(o.DType)},
		{o.DType == BFloat16, OptionBFloat16, "dtype", strconv.Quote(o.DType)},
	} {
		if given.set && !slices.Contains(f.Options, given.option) {
			return validate.Field(given.field, given.value, "the format "+f.Name+" does not have it"+withOption(given.option))
		}
	}
	return nil
}

// withOption lists the formats that have an option, as the end of a sentence.
func withOption(option Option) string {
	var names []string
	for _, f := range All {
		if slices.Contains(f.Options, option) {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		return ""
	}
	return "; formats that have it: " + strings.Join(names, ", ")
}
