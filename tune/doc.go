// Package tune suggests a learning rate from the losses of a range test, and chooses a batch size from measured speeds. It
// computes with numbers alone; package train makes the measurements. No libtorch.
package tune
