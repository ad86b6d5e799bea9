// Package bundle copies a program with the shared libraries that it needs to a folder or an archive that runs on other
// Linux machines of the same processor architecture, with the same or a newer glibc. It needs no libtorch and no tools.
package bundle
