// Package modelcard writes the README.md that Hugging Face shows for a model: YAML front matter and a description with license,
// origin, preprocessing, accuracy, and code for other tools. It says what the weights record and nothing else.
package modelcard

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"depthwise.dev/weights"
)

// FileName is the name under which Hugging Face finds a card.
const FileName = "README.md"

// Export is the export that a card describes.
type Export struct {
	File       string // name of the file or folder; without its path
	Format     string // name of the format
	Folder     bool
	Uint8Input bool   // it takes pixels and normalizes them itself
	DType      string // of the stored weights; "": float32
}

// card is the text with what it is written from.
type card struct {
	strings.Builder
	w      weights.Weights
	export Export
	name   string // of the model
	origin *weights.Origin
	best   *weights.Best   // nil: not recorded
	images *weights.Images // nil: not recorded
}

// Render returns the card of exported weights. Metadata that cannot be read is an error.
func Render(w weights.Weights, e Export) ([]byte, error) {
	c := card{w: w, export: e, name: strings.TrimSuffix(e.File, filepath.Ext(e.File))}
	var err error
	if c.origin, err = w.PublishedOrigin(); err != nil {
		return nil, err
	}
	if c.best, c.images, err = w.Validation(); err != nil {
		return nil, err
	}
	if _, _, err = w.Thresholds(); err != nil {
		return nil, err
	}
	c.frontMatter()
	c.introduction()
	c.license()
	if err := c.training(); err != nil {
		return nil, err
	}
	c.preprocessing()
	c.classes()
	c.use()
	return []byte(c.String()), nil
}

func (c *card) line(format string, arguments ...any) { fmt.Fprintf(c, format+"\n", arguments...) }

// introduction names the network and the file.
func (c *card) introduction() {
	input := c.w.Graph.Input
	c.line("\n# %s\n", heading(c.name))
	c.line("An image classifier of %d classes%s: %s, images of %d x %d pixels. Trained or converted with Depthwise.\n", len(c.w.Classes), c.task(), network(c.w), input.Width, input.Height)
	kind := "file"
	if c.export.Folder {
		kind = "folder"
	}
	takes := "normalized float32 images, see [preprocessing](#preprocessing)"
	if c.export.Uint8Input {
		takes = "pixels, uint8 of shape (N, height, width, 3), which it normalizes itself"
	}
	stored := "float32"
	if name, ok := map[string]string{"fp16": "float16", "bf16": "bfloat16"}[c.export.DType]; ok {
		stored = name
	}
	c.line("| %s | format | input | weights |\n|---|---|---|---|", kind)
	c.line("| %s | %s | %s | %s |\n", code(c.export.File), c.export.Format, takes, stored)
}

// network describes the network in words.
func network(w weights.Weights) string {
	if w.Config == nil {
		return "a network of its own, " + code(w.Graph.Name)
	}
	names := map[string]string{"mobilenet_v1": "MobileNet v1", "mobilenet_v2": "MobileNet v2"}
	name, ok := names[w.Config.Arch]
	if !ok {
		name = w.Config.Arch
	}
	return fmt.Sprintf("%s (variant `%s`), width %v", name, w.Config.Variant, w.Config.Width)
}

// training says what is recorded of the training.
func (c *card) training() error {
	c.line("## Training and accuracy\n")
	if c.best == nil {
		c.line("No accuracy is recorded in these weights.\n")
		return nil
	}
	c.line("| on the validation images | |\n|---|---|")
	c.measures()
	if temperature, err := strconv.ParseFloat(c.w.Meta[weights.MetaTemperature], 64); err == nil {
		c.line("The cross entropy is that before the calibration, which divided the logits by %.3g.", temperature)
	}
	c.line("These are the weights after epoch %d (step %d), the most accurate of the run, measured before the export.", c.best.Epoch, c.best.Step)
	fraction, seed, err := c.w.ValSplit()
	if err != nil {
		return err
	}
	if fraction > 0 {
		c.line("The validation images are %.4g %% of the images, held out with the seed %d.", 100*fraction, seed)
	}
	if c.images != nil {
		c.line("They were trained on %d images and validated on %d.", c.images.Train, c.images.Val)
	} else {
		c.line("The numbers of images are not recorded.")
	}
	c.line("Where the images come from is not recorded: describe the data set here.\n")
	return nil
}

// classes lists the names.
func (c *card) classes() {
	c.line("## Classes\n")
	c.line("In the order of the logits:\n")
	c.line("```json\n%s\n```\n", list(c.w.Classes))
}

// list is a JSON list of texts, which is a Python list too: Go escapes nothing that Python reads differently.
func list(texts []string) string {
	var b strings.Builder
	b.WriteString("[")
	for i, text := range texts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoted(text))
	}
	return b.String() + "]"
}

// quoted is a JSON string: valid in YAML and in Python.
func quoted(text string) string {
	b := new(strings.Builder)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return strconv.QuoteToASCII(text) // cannot happen: strings have a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// code is text as code in a line of Markdown or in a cell of a table.
func code(text string) string {
	text = strings.NewReplacer("\n", " ", "\r", " ", "|", "\\|").Replace(text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// heading is text as a heading.
func heading(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "#", "\\#", "*", "\\*", "_", "\\_", "<", "&lt;", "`", "\\`", "[", "\\[").Replace(text)
}
