package formats

import (
	"fmt"
	"path/filepath"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/weights"
)

// huggingFace is a folder that from_pretrained of Transformers reads.
var huggingFace = Format{
	Name:        "hf",
	Description: "folder for Hugging Face Transformers",
	Folder:      true,
	Write:       writeHuggingFace,
	Usage: func(path string, _ weights.Weights) string {
		return fmt.Sprintf("transformers.pipeline(\"image-classification\", %q)", path)
	},
}

func writeHuggingFace(path string, w weights.Weights, _ WriteOptions) error {
	foreign, err := peers.Export(w, peers.Transformers)
	if err != nil {
		return fmt.Errorf("%w%s", err, anyNetwork)
	}
	model, processor, err := foreign.TransformersConfig(w)
	if err != nil {
		return fmt.Errorf("%w%s", err, anyNetwork)
	}
	w.Raw = nil
	f, err := w.File()
	if err != nil {
		return err
	}
	f.Arrays, f.Meta[formatKey] = foreign.Arrays, "pt"
	return createFolder(path, func(folder string) error {
		for _, file := range []struct {
			name    string
			content any
		}{{"config.json", model}, {"preprocessor_config.json", processor}} {
			text, err := indented(file.content)
			if err != nil {
				return fmt.Errorf("formats: %s: %w", file.name, err)
			}
			if err := atomicfile.WriteFile(filepath.Join(folder, file.name), 0o666, text); err != nil {
				return fmt.Errorf("formats: %w", err)
			}
		}
		return checkpoints.Write(filepath.Join(folder, "model.safetensors"), f)
	})
}
