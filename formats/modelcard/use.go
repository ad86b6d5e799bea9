package modelcard

import (
	"cmp"
	"fmt"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/formats/peers"
	"depthwise.dev/models"
)

// tool is a program with code that classifies an image by an export.
type tool struct {
	name, format string
	output       string // of the export command
	options      string // of the export command
	install      string // packages of pip
	nhwc         bool   // it takes (N, height, width, channels)
	python       string // reads INPUT, opens FILE, sets scores
}

// use shows how to classify an image with five tools.
func (c *card) use() {
	c.line("## Use\n")
	c.line("### Depthwise\n\n```sh\ntrain predict --weights FILE photo.jpg     # a run's folder, or an export that it reads, such as .safetensors\n```\n")
	if !c.square() {
		c.line("The other tools take the array `input`, float32 of shape (N, %d, %d, %d).\n", c.w.Graph.Input.Channels, c.w.Graph.Input.Height, c.w.Graph.Input.Width)
		return
	}
	c.line("The other tools need this first:\n\n```python\n%s```\n", c.prepare())
	for _, t := range c.tools() {
		c.tool(t)
	}
}

// tool shows a tool: with the exported file if it is of the tool's format, otherwise with another export.
func (c *card) tool(t tool) {
	file, input := t.output, `preprocess("photo.jpg")`
	if t.nhwc {
		input += ".transpose(0, 2, 3, 1)"
	}
	c.line("### %s\n\n```sh", t.name)
	if t.format == c.export.Format {
		file = c.export.File
		if c.export.Uint8Input {
			input = `preprocess("photo.jpg", normalize=False)`
		}
	} else {
		c.line("train export --weights FILE --output %s%s", file, t.options)
	}
	c.line("pip install numpy pillow %s\n```\n", t.install)
	python := strings.NewReplacer("FILE", quoted(file), "INPUT", input).Replace(t.python)
	c.line("```python\n%s%s```\n", python, c.printed(t.format == "keras"))
}

// square reports whether the network takes square images in color.
func (c *card) square() bool {
	input := c.w.Graph.Input
	return input.Channels == 3 && input.Height == input.Width && input.Height == c.w.Preprocess.Resolution
}

// tools are the programs besides our own: the one of the network's variant, and those that open every network.
func (c *card) tools() []tool {
	return []tool{
		c.pytorch(),
		{name: "ONNX Runtime", format: "onnx", output: "model.onnx", install: "onnxruntime", python: `import onnxruntime

session = onnxruntime.InferenceSession(FILE)
scores = session.run(["logits"], {"input": INPUT})[0]
`},
		{name: "Keras", format: "keras", output: "model.keras", install: "keras tensorflow-cpu", nhwc: true, python: `import keras

model = keras.saving.load_model(FILE, compile=False)
scores = model.predict(INPUT)   # probabilities
`},
		{name: "LiteRT (TensorFlow Lite)", format: "tflite", output: "model.tflite", install: "ai-edge-litert", nhwc: true, python: `from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path=FILE)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], INPUT)
interpreter.invoke()
scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
`},
	}
}

// pytorch is the library of PyTorch's that has the network, or PyTorch itself.
func (c *card) pytorch() tool {
	const run = `with torch.inference_mode():
    scores = model(torch.from_numpy(INPUT)).numpy()
`
	n := c.w.Config
	switch {
	case n != nil && n.Variant == "timm" && n.Activation == models.ReLU6 && n.BNEps == 1e-5 && n.Padding == models.Symmetric:
		model, _ := peers.TimmModel(*n, fmt.Sprintf("num_classes=%d", n.Classes))
		return tool{name: "timm", format: "timm", output: "model.safetensors", options: " --format timm", install: "timm",
			python: "import timm\nimport torch\n\nmodel = " + model + ".eval()\ntimm.models.load_checkpoint(model, FILE)\n" + run}
	case n != nil && n.Variant == "torchvision" && n.Activation == models.ReLU6 && n.BNEps == 1e-5 && n.Padding == models.Symmetric:
		return tool{name: "torchvision", format: "torchvision", output: "model.pth", install: "torch torchvision", python: fmt.Sprintf(`import torch
import torchvision

model = torchvision.models.mobilenet_v2(num_classes=%d, width_mult=%v).eval()
model.load_state_dict(torch.load(FILE, weights_only=True))
`, n.Classes, n.Width) + run}
	case n != nil && n.Variant == "hf" && cmp.Or(c.w.Preprocess.Fit, data.FitCrop) == data.FitCrop: // its image processors crop the center
		return tool{name: "Transformers", format: "hf", output: "model", options: " --format hf", install: "torch transformers",
			python: "import torch\nfrom transformers import AutoModelForImageClassification\n\n" +
				"model = AutoModelForImageClassification.from_pretrained(FILE).eval()\n" + strings.Replace(run, ").numpy()", ").logits.numpy()", 1)}
	}
	return tool{name: "PyTorch", format: "torchscript", output: "model.torchscript", install: "torch",
		python: "import torch\n\nmodel = torch.jit.load(FILE).eval()\n" + run}
}

// prepare is Python code of the classes and of the preprocessing.
func (c *card) prepare() string {
	p := c.w.Preprocess
	var b strings.Builder
	fmt.Fprintf(&b, "import numpy as np\nfrom PIL import Image, ImageOps\n\nclasses = %s\n%s\n\n", list(c.w.Classes), c.pythonThresholds())
	arguments, returns := "path", fmt.Sprintf("(1, 3, %[1]d, %[1]d), float32", p.Resolution)
	if c.export.Uint8Input {
		arguments, returns = "path, normalize=True", returns+fmt.Sprintf(", or pixels, (1, %[1]d, %[1]d, 3), uint8", p.Resolution)
	}
	fmt.Fprintf(&b, "def preprocess(%s):   # returns %s\n    image = Image.open(path)\n", arguments, returns)
	if p.EXIF {
		b.WriteString("    image = ImageOps.exif_transpose(image)\n")
	}
	b.WriteString("    image = image.convert(\"RGB\")\n" + fit(p))
	if c.export.Uint8Input {
		b.WriteString("    if not normalize:\n        return np.asarray(image)[None]\n")
	}
	fmt.Fprintf(&b, "    x = (np.asarray(image, np.float32) / 255 - %s) / %s\n", floats(p.Mean), floats(p.Std))
	b.WriteString("    return x.astype(np.float32).transpose(2, 0, 1)[None]\n")
	return b.String()
}

// fit is Python code that makes the image square.
func fit(p data.Preprocess) string {
	filter := "Image.Resampling." + map[string]string{data.Bilinear: "BILINEAR", data.Bicubic: "BICUBIC"}[cmp.Or(p.Interpolation, data.Bilinear)]
	side := p.Resolution
	switch p.Fit {
	case data.FitLetterbox:
		return fmt.Sprintf("    image = ImageOps.pad(image, (%d, %d), %s)   # on black\n", side, side, filter)
	case data.FitPad:
		return fmt.Sprintf("    if max(image.size) > %[1]d:\n        image = ImageOps.contain(image, (%[1]d, %[1]d), %[2]s)\n"+
			"    canvas = Image.new(\"RGB\", (%[1]d, %[1]d))   # black\n"+
			"    canvas.paste(image, ((%[1]d - image.width) // 2, (%[1]d - image.height) // 2))\n    image = canvas\n", side, filter)
	}
	return fmt.Sprintf("    short = min(image.size)\n    image = image.resize([int(%[2]d * s / short) for s in image.size], %[3]s)\n"+
		"    left, top = (round((s - %[1]d) / 2) for s in image.size)\n    image = image.crop((left, top, left + %[1]d, top + %[1]d))\n", side, p.Shorter(), filter)
}

func floats(v [3]float64) string { return fmt.Sprintf("np.array([%v, %v, %v])", v[0], v[1], v[2]) }

// preprocessing describes how an image becomes the input.
func (c *card) preprocessing() {
	p := c.w.Preprocess
	c.line("## Preprocessing\n")
	c.line("| | |\n|---|---|")
	c.line("| input | %d x %d pixels, RGB |", c.w.Graph.Input.Width, c.w.Graph.Input.Height)
	switch p.Fit {
	case data.FitLetterbox:
		c.line("| resize | the whole image as large as fits, centered on black |")
	case data.FitPad:
		c.line("| resize | the whole image, reduced if it is too large, centered on black |")
	default:
		c.line("| resize | shorter side to %d, then the center (crop fraction %.4g) |", p.Shorter(), float64(p.Resolution)/float64(p.Shorter()))
	}
	c.line("| interpolation | %s, antialiased |", cmp.Or(p.Interpolation, data.Bilinear))
	if p.EXIF {
		c.line("| EXIF orientation | applied |")
	} else {
		c.line("| EXIF orientation | not applied |")
	}
	c.line("| mean of pixels from 0 to 1 | %v, %v, %v |", p.Mean[0], p.Mean[1], p.Mean[2])
	c.line("| standard deviation | %v, %v, %v |\n", p.Std[0], p.Std[1], p.Std[2])
}
