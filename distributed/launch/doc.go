// Package launch finds out from the environment which rank of a group of processes this process is. It does not use
// libtorch, and opens no connection.
package launch
