// Package shards reads and writes data sets as tar files in the convention of WebDataset, on a local disk
// or on a server.
//
// A scan finds the place of each sample in its tar file. The result is a [data.Dataset], so order,
// workers and resume do not depend on the storage. Remote shards are downloaded into a cache folder of
// bounded size; package data/remote implements the access to servers.
package shards
