package weights

import (
	"encoding/json"
	"fmt"

	"depthwise.dev/weights/imagenet"
)

// MetaOrigin is the metadata entry of weights that were derived from published ones: an [Origin] as JSON. Whatever
// reads weights and writes derived ones keeps it.
const MetaOrigin = "origin"

// Values of the license in an [Origin] that name none.
const (
	LicenseNotStated = "not stated" // by the publisher
	LicenseUnknown   = "unknown"    // the files were not downloaded by this program; see the address
)

// Origin says where published weights come from and on which terms.
type Origin struct {
	Name       string `json:"name"`                  // in package hub, such as torchvision/mobilenet_v2
	Address    string `json:"address"`               // of the downloaded file
	Revision   string `json:"revision,omitempty"`    // commit of a repository
	SHA256     string `json:"sha256"`                // of the downloaded file, in hexadecimal digits
	License    string `json:"license"`               // SPDX identifier as the publisher states it, or one of the values above
	LicenseURL string `json:"license_url,omitempty"` // where the publisher states it
	Dataset    string `json:"dataset,omitempty"`     // what they were trained on, if known: [imagenet.Dataset]
}

// Classes returns the names of the classes of a network with a number of outputs, in the order of the logits, if the
// weights were trained on a data set whose names are known, otherwise nil.
func (o Origin) Classes(outputs int) []string {
	if o.Dataset != imagenet.Dataset {
		return nil
	}
	return imagenet.Names(outputs)
}

// PublishedOrigin returns where the weights come from, nil if they were not derived from published ones.
func (w Weights) PublishedOrigin() (*Origin, error) {
	text, ok := w.Meta[MetaOrigin]
	if !ok {
		return nil, nil
	}
	o := new(Origin)
	if err := json.Unmarshal([]byte(text), o); err != nil {
		return nil, fmt.Errorf("weights: metadata %q: %w", MetaOrigin, err)
	}
	return o, nil
}

// SetPublishedOrigin records what [Weights.PublishedOrigin] returns.
func (w *Weights) SetPublishedOrigin(o Origin) error {
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("weights: metadata %q: %w", MetaOrigin, err)
	}
	if w.Meta == nil {
		w.Meta = map[string]string{}
	}
	w.Meta[MetaOrigin] = string(text)
	return nil
}
