// Package peers turns the state of another tool's network into weights: it recognizes the naming scheme of the arrays,
// infers architecture, variant, width and classes from names and shapes, and maps names and layouts to those of the
// graph. Files that configure the network, where there are some, give the rest. Containers, such as safetensors or HDF5,
// are read elsewhere; a scheme is independent of them.
//
// A naming scheme is a file and a row in schemes.
package peers
