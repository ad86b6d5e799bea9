package suggest

import "strings"

// synonyms map names in other tools to values. A name with several values means the first allowed
// one.
var synonyms = map[string][]string{
	"gpu": {"cuda"}, "nvidia": {"cuda"},
	"float32": {"fp32"}, "float": {"fp32"}, "single": {"fp32"}, "32": {"fp32"}, "full": {"fp32"},
	"float16": {"fp16", "bf16"}, "half": {"fp16", "bf16"}, "fp16": {"bf16"}, "f16": {"fp16"}, "16": {"fp16", "bf16"},
	"bfloat16": {"bf16"}, "amp": {"bf16"}, "mixed": {"bf16"},
	"adam": {"adamw"}, "rmsproptf": {"rmsprop_tf"},
	"steplr": {"step"}, "exponential": {"exp"}, "cosineannealing": {"cosine"}, "cosineannealinglr": {"cosine"},
	"1cycle": {"onecycle"}, "onecyclelr": {"onecycle"},
	"randaugment": {"randaug"}, "trivialaugment": {"trivial"}, "trivialaugmentwide": {"trivial"}, "ta_wide": {"trivial"}, "ra": {"randaug"},
	"off": {"none"}, "false": {"none"}, "no": {"none"}, "numpy": {"npz"},
	"mobilenet": {"mobilenet_v1"}, "mobilenetv1": {"mobilenet_v1"}, "mobilenetv2": {"mobilenet_v2"},
	"ce": {"cross_entropy"}, "crossentropy": {"cross_entropy"}, "crossentropyloss": {"cross_entropy"}, "categorical_crossentropy": {"cross_entropy"}, "softmax": {"cross_entropy"},
	"focalloss": {"focal"}, "focal_loss": {"focal"}, "sigmoid_focal_loss": {"focal"},
	"weightedrandomsampler": {"balanced"}, "weighted": {"balanced"}, "auto": {"balanced"}, "inverse": {"balanced"}, "cb": {"effective"}, "random": {"uniform"}, "square_root": {"sqrt"},
	"libtorch": {"torch"}, "pytorch": {"torch"}, "native": {"fused"},
}

// synonym returns the allowed value for a name in other tools, or "".
func synonym(word string, allowed []string) string {
	name, _, _ := strings.Cut(strings.ToLower(word), ":") // gpu:0
	for _, value := range synonyms[name] {
		for _, a := range allowed {
			if a == value {
				return a
			}
		}
	}
	return ""
}
