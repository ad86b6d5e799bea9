// Package sys separates errors of the machine and its storage from errors of single files.
//
// Operations that fail for a reason of the machine, such as a lost network disk, are repeated for two
// seconds and then return a [StorageError]. Errors of a file, such as a missing one, return at once.
package sys
