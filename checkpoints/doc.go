// Package checkpoints keeps arrays in files that can be trusted.
//
// Write and Read store a File (named arrays and text metadata) as safetensors, the format of Hugging Face and timm, with a SHA-256 over
// the whole file in its metadata, so that a flip of any byte is noticed. A file appears under its name whole or not at all: it is
// written beside it, synced, and renamed. The same File always gives the same bytes.
//
// A Store is the checkpoints folder of one run: step-00001234.safetensors and so on, the newest few of them, and the newest
// one that can be read. Lock keeps two runs out of one folder. ReadNPY, WriteNPY and WriteNPZ speak NumPy's formats.
//
// Arrays are gorgonia.org/tensor's *tensor.Dense in host memory, row-major. Two habits of that library to know: a scalar's Data() is a
// bare value and not a slice, and Data() panics for an array without elements. NewArray and Values handle both.
package checkpoints
