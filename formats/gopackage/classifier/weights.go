package classifier

import _ "embed" // of the weights

//go:embed weights.bin
var weights []byte

// New returns a classifier with the weights of this package. It takes memory and some milliseconds: call it once.
func New() (*Classifier, error) { return Load(weights) }
