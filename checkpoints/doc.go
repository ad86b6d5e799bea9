// Package checkpoints stores arrays in verified files.
//
// Write and Read store a File (named arrays and text metadata) as safetensors, the format of
// Hugging Face and timm, with a SHA-256 of the whole file in its metadata, so that a change of any
// byte is detected. Files are written atomically (see package atomicfile). Equal Files give equal
// bytes.
//
// A Store is the checkpoints folder of a run: step-00001234.safetensors and so on. It keeps the
// newest files and finds the newest valid one. Lock prevents two runs in one folder. ReadNPY,
// WriteNPY and WriteNPZ handle NumPy's formats.
//
// Arrays are gorgonia.org/tensor's *tensor.Dense in host memory, row-major. Two properties of that
// library matter: the Data() of a scalar is a value and not a slice, and Data() panics for an array
// without elements. NewArray and Values handle both.
package checkpoints
