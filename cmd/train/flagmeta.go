package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// Headings of flags, in the order in which help, manual pages and the configuration reference list
// them.
const (
	groupData         = "Data"
	groupModel        = "Model"
	groupInit         = "Pretrained weights"
	groupOptimization = "Optimization"
	groupAugmentation = "Augmentation"
	groupHardware     = "Hardware"
	groupDistributed  = "Several processes"
	groupRun          = "Run and checkpoints"
	groupMeasurement  = "Measurement"
	groupServer       = "Server"
	groupLimits       = "Limits"
	groupOutput       = "Output"
	groupHelp         = "Help" // of flags without an annotation, which are Cobra's own
)

var groupOrder = []string{groupData, groupModel, groupInit, groupOptimization, groupAugmentation, groupHardware, groupDistributed, groupRun,
	groupMeasurement, groupServer, groupLimits, groupOutput, groupHelp}

// Annotations of a flag, for help, shell completion and documentation.
const (
	groupOf   = "group"   // its heading
	defaultOf = "default" // its default in words, where that depends on other settings
	typicalOf = "typical" // values to offer in shell completion, where others are allowed too
	aliasOf   = "alias"   // the flag that it is a deprecated alias of
	pathOf    = "path"    // its value is a path: "folder", or the extensions of the files to offer
)

const folder = "folder" // a value of pathOf

// flagGroup adds flags to a command under a heading of its help.
func flagGroup(cmd *cobra.Command, heading string, define func(*pflag.FlagSet)) {
	fs := pflag.NewFlagSet(heading, pflag.ContinueOnError)
	fs.SortFlags = false
	define(fs)
	fs.VisitAll(func(f *pflag.Flag) { annotate(f, groupOf, heading) })
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(fs)
}

func annotate(f *pflag.Flag, key string, values ...string) {
	if f.Annotations == nil {
		f.Annotations = make(map[string][]string)
	}
	f.Annotations[key] = values
}

// annotation returns the first value of an annotation, or "".
func annotation(f *pflag.Flag, key string) string {
	if list := f.Annotations[key]; len(list) > 0 {
		return list[0]
	}
	return ""
}

// The functions below annotate flags while a flagGroup defines them.

func defaultText(fs *pflag.FlagSet, name, text string) { annotate(fs.Lookup(name), defaultOf, text) }
func typical(fs *pflag.FlagSet, name string, list ...string) {
	annotate(fs.Lookup(name), typicalOf, list...)
}
func folderPath(fs *pflag.FlagSet, name string) { annotate(fs.Lookup(name), pathOf, folder) }
func filePath(fs *pflag.FlagSet, name string, ext ...string) {
	annotate(fs.Lookup(name), pathOf, ext...)
}

// enumerated is a flag value with a known list of words.
type enumerated interface {
	pflag.Value
	Values() []string
}

// valueNotes describes the values of enumerated flags. A value without a note is listed by its name
// alone.
func valueNotes(flag string) map[string]string {
	notes := make(map[string]string)
	switch flag {
	case "recipe":
		for _, r := range config.Recipes() {
			notes[r.Name] = r.Purpose
		}
		notes[config.NoRecipe] = "the defaults"
	case "optimizer":
		for _, o := range optim.Optimizers {
			notes[o.Name] = o.About
		}
	case "schedule":
		for _, s := range optim.Schedules {
			notes[s.Name] = s.About
		}
	case "format":
		for _, f := range formats.All {
			notes[f.Name] = f.Description
		}
	case "variant":
		return variantNotes()
	default:
		return notesOf[flag]
	}
	return notes
}

// variantNotes describes the variants that one architecture alone has; others differ by
// architecture.
func variantNotes() map[string]string {
	notes := make(map[string]string)
	for _, arch := range mobilenet.Archs() {
		for _, v := range mobilenet.Variants(arch) {
			if _, shared := notes[v]; shared {
				notes[v] = ""
				continue
			}
			notes[v] = mobilenet.Describe(arch, v)
		}
	}
	return notes
}

// notesOf describes the values of flags whose registry has no descriptions.
var notesOf = map[string]map[string]string{
	"augment": {"basic": "random resized crop and flip", "randaug": "basic + RandAugment",
		"trivial": "basic + TrivialAugmentWide"},
	"freeze": {"bn": "all batch norms", "backbone": "all layers but the head", "blocks:N": "the stem and the first N blocks"},
	"decode": {"fast": "decode large JPEGs at half size, in training only"},
	"fit":    {"crop": "resize and center crop", "letterbox": "whole image on black", "pad": "letterbox, never enlarged"},
	"backend": {"auto": "cuda on a GPU, fused where it is faster", "torch": "unfused libtorch operations", "fused": "fused CPU kernels",
		"cuda": "fused GPU kernels"},
	"precision":  {"auto": "bf16 where the GPU or the processor has it, fp16 on older GPUs", "fp16": "with loss scaling, by backend torch"},
	"device":     {"auto": "cuda if available", "cuda:N": "the GPU with index N"},
	"cuda-graph": {"auto": "on a GPU, where it is possible", "on": "an error where it is not"},
	"progress":   {"auto": "bar on a terminal, else plain", "plain": "lines of text", "json": "JSON lines"},
	"resume":     {"auto": "newest checkpoint of --out or the newest runs/DATA-N, if any"},

	"ema-warmup":    {"none": "no warm-up", "timm": "at most 1-(1+t)^(-2/3) in update t", "torchvision": "scaled by batch size, interval and epochs"},
	"tensorboard":   {"scalars": "curves", "all": "also images, histograms, settings, PR curves"},
	"monitor":       {"top1": "validation top-1", "loss": "validation loss"},
	"loss":          {"auto": "cross_entropy", "focal": "less of what is classified well"},
	"class-weights": {"balanced": "inverse to the images of a class", "effective": "inverse to their effective number"},
	"sampler":       {"uniform": "each once", "balanced": "as many of each class", "sqrt": "by the square root of a class's images"},

	"gradient-compression": {"none": "that of the gradients", "bf16": "half the bytes, rounded to 8 bits"},
}

// flagDoc is a flag as help and documentation show it.
type flagDoc struct {
	name        string
	shorthand   string   // a letter, or ""
	placeholder string   // of the value; "" for a boolean flag
	optional    bool     // the value may be left out
	usage       string   // what it does
	values      []string // all allowed words; nil where the value is a number, a path or free text
	notes       map[string]string
	byDefault   string // "" if the default is off, empty or zero
	key         string // in a configuration file
}

func describe(f *pflag.Flag) flagDoc {
	placeholder, usage := pflag.UnquoteUsage(f)
	d := flagDoc{name: f.Name, shorthand: f.Shorthand, placeholder: placeholder, usage: usage,
		key: strings.ReplaceAll(f.Name, "-", "_"), notes: valueNotes(f.Name), optional: f.NoOptDefVal != ""}
	if f.Name == "help" { // Cobra's own names the command again
		d.usage = "show this help"
	}
	switch paths := f.Annotations[pathOf]; {
	case placeholder == "string" && slices.Contains(paths, folder):
		d.placeholder = "DIR"
	case placeholder == "string" && paths != nil:
		d.placeholder = "FILE"
	case placeholders[placeholder] != "":
		d.placeholder = placeholders[placeholder]
	}
	if annotation(f, aliasOf) != "" {
		return d
	}
	if v, ok := f.Value.(enumerated); ok {
		d.values = v.Values()
	}
	off := []string{"", "0", "0s", "false", "0,0,0,0"}
	if d.byDefault = annotation(f, defaultOf); d.byDefault == "" && !slices.Contains(off, f.DefValue) {
		d.byDefault = f.DefValue
	}
	return d
}

// placeholders replaces pflag's names of types.
var placeholders = map[string]string{"int": "N", "uint": "N", "float": "X", "duration": "DURATION", "string": "TEXT"}

// text is the description in one paragraph: usage, values with notes up to a maximum length,
// default.
func (d flagDoc) text(longestNote int) string {
	text := d.usage
	for i, v := range d.values {
		text += []string{": ", ", "}[min(i, 1)] + v
		if note := d.notes[v]; note != "" && len(note) <= longestNote {
			text += " (" + note + ")"
		}
	}
	if d.byDefault != "" {
		text += " (default " + d.byDefault + ")"
	}
	return text
}

// names is "-h, --help" or "--epochs N".
func (d flagDoc) names() string {
	text := "--" + d.name
	if d.shorthand != "" {
		text = "-" + d.shorthand + ", " + text
	}
	switch {
	case d.placeholder != "" && d.optional:
		text += "[=" + d.placeholder + "]"
	case d.placeholder != "":
		text += " " + d.placeholder
	}
	return text
}

// heading is a group of a command's flags.
type heading struct {
	name  string
	flags []flagDoc
}

// flagHeadings are a command's flags by their headings, each in the order of definition.
func flagHeadings(cmd *cobra.Command) []heading {
	list := make([]heading, len(groupOrder))
	for i, name := range groupOrder {
		list[i].name = name
	}
	cmd.InitDefaultHelpFlag()
	cmd.LocalFlags().SortFlags = false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		i := slices.Index(groupOrder, annotation(f, groupOf))
		if i < 0 {
			i = len(list) - 1
		}
		if !f.Hidden {
			list[i].flags = append(list[i].flags, describe(f))
		}
	})
	return slices.DeleteFunc(list, func(h heading) bool { return len(h.flags) == 0 })
}
