package formats

import (
	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/hdf5"
	"depthwise.dev/formats/kerasmodel"
	"depthwise.dev/weights"
)

// descriptionKey is the entry of metadata.json, or the attribute of an HDF5 file, with the metadata of the weights as
// metadataJSON writes it. Keras ignores it.
const descriptionKey = "depthwise"

// fromDescription takes weights from a Keras file of this program.
func fromDescription(meta map[string]string, datasets map[string]hdf5.Array) (weights.Weights, error) {
	w, err := weights.FromFile(checkpoints.File{Meta: meta})
	if err != nil {
		return w, err
	}
	m, err := kerasmodel.New(w.Graph, kerasmodel.Options{Config: w.Config})
	if err != nil {
		return w, err
	}
	w.Arrays, err = m.Read(datasets)
	return w, err
}
