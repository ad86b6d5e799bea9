package native

// nanosleep is the number of the system call that the Go runtime's monitor sleeps with, on Linux.
const nanosleep = "35"
