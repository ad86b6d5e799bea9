package config

// The values of Config.GradientCompression.
const (
	CompressNone     = "none"
	CompressBFloat16 = "bf16"
)

// GradientCompressions lists them.
var GradientCompressions = []string{CompressNone, CompressBFloat16}
