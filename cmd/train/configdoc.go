package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
)

// allowedValues describes the values of training flags that are not enumerations.
var allowedValues = map[string]string{
	"data": "folder, CSV file, pattern, URL or `mnist`", "images": "folder", "multi-label": "`true`, `false`", "val-split": "0 ≤ x < 1", "exif": "`auto`, `true`, `false`; the flag alone: `true`", "report": "`true`, `false`", "tf32": "`true`, `false`", "deterministic": "`true`, `false`", "sync-bn": "`true`, `false`",
	"batch-size": "≥ 1, cut to the number of images", "workers": "`auto` (or -1 in YAML) or 0 to 1024", "shuffle-buffer": "≥ 0", "shard-cache": "≥ 0",

	"width": "0 < x ≤ 16", "resolution": "1 to 4096", "classes": "≥ 0",

	"init": "file, folder or name", "unfreeze-after": "≥ 0", "layer-decay": "0 < x ≤ 1", "head-lr-scale": "> 0",

	"epochs": "1 to 2147483647, or 0 with `time`", "max-steps": "≥ 0", "accumulate": "1 to 2147483647",
	"lr": "> 0", "momentum": "0 ≤ x < 1", "weight-decay": "≥ 0",
	"step-epochs": "0 to 2147483647", "gamma": "0 ≤ x ≤ 1",
	"warmup-epochs":   "`auto` (or -1 in YAML), or ≥ 0 and below `epochs`",
	"label-smoothing": "0 ≤ x < 1", "clip-grad-norm": "≥ 0", "ema-decay": "0 ≤ x < 1",
	"ema-steps": "≥ 0", "swa-epochs": "≥ 0, at most `epochs`", "swa-lr": "≥ 0",
	"plateau-patience": "≥ 0", "plateau-threshold": "0 ≤ x ≤ 1", "plateau-cooldown": "≥ 0", "plateau-min-lr": "≥ 0", "patience": "≥ 0", "min-delta": "≥ 0",

	"focal-gamma": "0 to 20", "class-weights": "`none`, `balanced`, `effective`, or a file that ends in .csv, .yaml, .yml or .json",

	"crop-scale": "0 < min ≤ max ≤ 1", "crop-ratio": "0 < min ≤ max ≤ 1000", "flip": "0 ≤ x ≤ 1",
	"color-jitter": "0 ≤ b, c, s ≤ 10; 0 ≤ h ≤ 0.5", "random-erase": "0 ≤ x ≤ 1",
	"mixup": "0 ≤ x ≤ 100", "cutmix": "0 ≤ x ≤ 100",

	"kernels": "as `--backend`", "threads": "0 to 1024",

	"out": "folder", "config": "file", "seed": "≥ 0", "time": "duration ≥ 0", "stop-after": "duration ≥ 0", "keep": "≥ 1",
	"resume":           "`auto` or a checkpoint file",
	"checkpoint-every": "duration, or steps such as `500steps`",
}

// otherSettings describes settings without a flag.
var otherSettings = map[string]string{
	"activation": "`relu` or `relu6`", "padding": "of 3x3 convolutions: `symmetric`, as in PyTorch; `same`, as in TensorFlow; or `keras`, as in Keras' MobileNet v1",
	"conv_bias": "convolutions have biases", "bn_eps": "added to the variance in batch normalization",
	"bn_momentum":   "weight of the statistics of the new batch in the running statistics of batch normalization (PyTorch's convention)",
	"ranks":         "number of ranks that `batch_size` is meant for: a batch has `batch_size` times `ranks` images, also when another number of ranks continues the run; where it is missing, the number of the run's ranks",
	"dropout":       "dropout probability before the classifier",
	"preprocessing": "`mean`, `std`, `crop_fraction` and `interpolation` of images; where it is missing, those of the variant's published weights. `--init` sets it",
}

// flagTypes are the types of values by the names of flag types.
var flagTypes = map[string]string{
	"int": "int", "int64": "int", "uint64": "int", "float64": "float", "bool": "bool", "duration": "duration",
	"string": "string", "NAME": "string", "auto|FILE": "string", "NAME|FILE": "string", "auto|N": "number", "auto|true|false": "bool or `auto`",
	"LIST": "list of strings", "MIN,MAX": "list of 2 floats", "B,C,S,H": "list of 4 floats",
}

// flagKeys are keys of flags whose setting has another name.
var flagKeys = map[string]string{}

// withoutKey are flags of training that are not settings.
var withoutKey = []string{"config", "version", "help", "kernels", "serve", "serve-token", "nproc", "dist-timeout"}

// configReference is docs/configuration.md: every flag of training, and the settings without a
// flag.
func configReference() (string, error) {
	cmd := configured(newSettings())
	keys, err := configKeys()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`# Configuration reference

Every setting of a training run, generated from the program's flags by ` + "`train docs config`" + `. A setting is given as a flag
or as a key of a YAML file (` + "`--config FILE`" + `); the ` + "`config.yaml`" + ` of a run holds all of them. Flags take precedence over the
file, the file over its recipe, a recipe over that of ` + "`data: mnist`" + `, and that over the defaults. [recipes.md](recipes.md)
describes the recipes and how one is chosen; the defaults below are those of a run without a recipe.
`)
	documented := make(map[string]bool)
	for _, h := range flagHeadings(cmd) {
		if h.name == groupHelp {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| flag | YAML key | type | default | allowed | description |\n", h.name)
		b.WriteString("|---|---|---|---|---|---|\n")
		for _, f := range h.flags {
			f.key = keyOf(f.name)
			documented[f.key] = true
			fmt.Fprintln(&b, configRow(cmd, f))
		}
	}
	b.WriteString("\n## Settings without a flag\n\n`--variant` and `--init` imply them; runs of several ranks record `ranks`.\n\n")
	b.WriteString("| YAML key | default | description |\n|---|---|---|\n")
	for _, k := range keys {
		if !documented[k.name] {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", k.name, k.value, otherSettings[k.name])
		}
	}
	return b.String(), nil
}

// keyOf is the YAML key of a flag, or "".
func keyOf(flag string) string {
	if slices.Contains(withoutKey, flag) {
		return ""
	}
	if key, ok := flagKeys[flag]; ok {
		return key
	}
	return strings.ReplaceAll(flag, "-", "_")
}

// configRow is the row of a flag.
func configRow(cmd *cobra.Command, f flagDoc) string {
	flag := cmd.Flags().Lookup(f.name)
	allowed := allowedValues[f.name]
	if f.values != nil && allowed == "" {
		allowed = "`" + strings.Join(f.values, "`, `") + "`"
	}
	key := "–"
	if f.key != "" {
		key = "`" + f.key + "`"
	}
	byDefault := f.byDefault
	if byDefault == "" {
		byDefault = zeroDefault(flag)
	}
	usage := f.usage
	for _, v := range f.values {
		if note := f.notes[v]; note != "" {
			usage += fmt.Sprintf("; `%s`: %s", v, note)
		}
	}
	cells := []string{"`--" + f.name + "`", key, flagTypes[flag.Value.Type()], byDefault, allowed, usage}
	for i, c := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "*", `\*`).Replace(c)
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// zeroDefault describes the defaults that help omits.
func zeroDefault(f *pflag.Flag) string {
	if f.DefValue == "" {
		return "none"
	}
	return f.DefValue
}

// setting is a key of a configuration file with its default.
type setting struct{ name, value string }

// configKeys lists the keys of a configuration file in its order.
func configKeys() ([]setting, error) {
	c := config.Default()
	c.Out, c.Resume = "set", "set" // omitted when empty
	c.Preprocessing.CropFraction = 0.875
	c.Ranks = 1
	var n yaml.Node
	if err := n.Encode(c); err != nil {
		return nil, fmt.Errorf("configuration reference: %w", err)
	}
	var list []setting
	for i := 0; i+1 < len(n.Content); i += 2 {
		list = append(list, setting{n.Content[i].Value, n.Content[i+1].Value})
	}
	return list, nil
}
