//go:build !amd64

package native

// nanosleep is the number of the system call that the Go runtime's monitor sleeps with, on Linux: that of its generic table.
const nanosleep = "101"
