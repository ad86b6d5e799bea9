package modelcard

import (
	"slices"
	"strings"

	"depthwise.dev/weights"
)

// frontMatter is the YAML that Hugging Face reads.
// https://github.com/huggingface/hub-docs/blob/main/modelcard.md
func (c *card) frontMatter() {
	c.line("---")
	c.licenseFields()
	c.line("library_name: %s", library(c.export.Format))
	c.line("pipeline_tag: image-classification")
	tags := []string{"image-classification", "depthwise"}
	if c.w.Config != nil {
		tags = append(tags, c.w.Config.Arch)
	}
	c.line("tags:")
	if c.w.MultiLabel() {
		tags = append(tags, "multi-label")
	}
	for _, tag := range tags {
		c.line("- %s", quoted(tag))
	}
	if c.origin != nil {
		if c.origin.Dataset != "" {
			c.line("datasets:\n- %s", quoted(c.origin.Dataset))
		}
		if repository := hubRepository(c.origin.Address); repository != "" {
			c.line("base_model: %s", quoted(repository))
		}
	}
	c.results()
	c.line("---")
}

// results are the recorded accuracies. Hugging Face's name of a folder of images is imagefolder.
func (c *card) results() {
	if c.best == nil {
		return
	}
	c.line("metrics:\n- %s", c.metric())
	c.line("model-index:\n- name: %s\n  results:\n  - task:\n      type: image-classification", quoted(c.name))
	c.line("    dataset:\n      name: \"validation images of the training\"\n      type: imagefolder\n      split: validation")
	c.line("    metrics:")
	if c.w.MultiLabel() {
		c.line("    - type: %s\n      name: \"mean average precision\"\n      value: %v", c.metric(), c.best.MAP)
		return
	}
	c.line("    - type: accuracy\n      name: \"top-1 accuracy\"\n      value: %v", c.best.Top1)
	c.line("    - type: accuracy\n      name: \"top-5 accuracy\"\n      value: %v", c.best.Top5)
}

// library is Hugging Face's name of the library that loads a format.
func library(format string) string {
	names := map[string]string{"timm": "timm", "torchvision": "torchvision", "torchscript": "pytorch", "hf": "transformers", "onnx": "onnx",
		"tflite": "tflite", "keras": "keras", "h5": "keras"}
	if name, ok := names[format]; ok {
		return name
	}
	return "depthwise"
}

// hubRepository is ORG/NAME of a file on Hugging Face, "" of other addresses.
func hubRepository(address string) string {
	rest, ok := strings.CutPrefix(address, "https://huggingface.co/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) < 3 || parts[2] != "resolve" {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// hubLicenses are identifiers of licenses that Hugging Face knows, of those that models have.
// https://huggingface.co/docs/hub/repositories-licenses
var hubLicenses = []string{"apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "isc", "unlicense", "cc0-1.0",
	"cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
	"cc-by-nc-nd-4.0", "cc-by-nd-4.0", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "artistic-2.0", "openrail",
	"creativeml-openrail-m", "bigscience-openrail-m"}

// licenseFields name the license if one is recorded.
func (c *card) licenseFields() {
	if c.origin == nil || !named(c.origin.License) {
		c.line("license: unknown")
		return
	}
	if identifier := strings.ToLower(c.origin.License); slices.Contains(hubLicenses, identifier) {
		c.line("license: %s", identifier)
		return
	}
	c.line("license: other\nlicense_name: %s", quoted(c.origin.License))
	if c.origin.LicenseURL != "" {
		c.line("license_link: %s", quoted(c.origin.LicenseURL))
	}
}

// named reports whether the license of an origin is one.
func named(license string) bool {
	return license != "" && license != weights.LicenseNotStated && license != weights.LicenseUnknown
}

// license says in words what is known of license and origin.
func (c *card) license() {
	c.line("## License and origin\n")
	if c.origin == nil {
		c.line("**No license and no origin are recorded in these weights.** Choose a license before you publish them, here and in the first\n"+
			"lines of this file (%s). If they started from weights of others, the license of those applies too.\n", code("license: unknown"))
		return
	}
	o := c.origin
	did := "These weights are a conversion of"
	if c.best != nil {
		did = "The training started from"
	}
	c.line("%s published weights:\n", did)
	c.line("| | |\n|---|---|")
	c.line("| name | %s |", code(o.Name))
	c.line("| file | <%s> |", o.Address)
	if o.Revision != "" {
		c.line("| revision | %s |", code(o.Revision))
	}
	c.line("| SHA-256 | %s |", code(o.SHA256))
	c.line("| trained on | %s |", orUnknown(o.Dataset))
	switch {
	case o.License == weights.LicenseNotStated:
		c.line("| license | **not stated** by the publisher |\n\nAsk the publisher before you pass these weights on.\n")
	case !named(o.License):
		c.line("| license | **unknown**; see the address of the file |\n\nFind it out before you pass these weights on.\n")
	default:
		license := code(o.License)
		if o.LicenseURL != "" {
			license += ", stated at <" + o.LicenseURL + ">"
		}
		c.line("| license | %s |\n\nThat is the license of the published weights. The images of a later training can add conditions.\n", license)
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "not recorded"
	}
	return code(text)
}
