// Package launch knows how the ranks of a group of processes are started: it finds out from the environment which rank
// this process is ([Detect]), starts ranks on this machine ([Local]), and writes the file in which torchrun looks for
// the error of a rank ([WriteErrorFile]). It does not use libtorch.
package launch
