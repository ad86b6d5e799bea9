// Package datasource finds the data set that a name given as --data means.
package datasource

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"depthwise.dev/data/datasets"
	"depthwise.dev/data/prepare"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
)

// MNIST is the name of the MNIST data set.
const MNIST = "mnist"

// mistyped matches the beginning of an address without one or both slashes.
var mistyped = regexp.MustCompile(`^(https?|s3|gs):/?([^/]|$)`)

// New returns the source of a name: a folder, shards, their address or MNIST. Listings of large
// data sets, and remote shards, are kept in the user's cache folder. Without one, as in a container
// without HOME, listings are not kept, and only an address is an error. An address needs a remote,
// which opens it.
func New(ctx context.Context, name string, remote shards.Remote) (datasets.Source, error) {
	shown := redact.Address(name)
	if strings.Contains(name, "://") && remote == nil {
		return datasets.Source{}, fmt.Errorf("data: %s is an address and nothing opens it: set Remote to remote.New() of package depthwise.dev/data/remote, or give a local folder", shown)
	}
	if scheme := mistyped.FindStringSubmatch(name); scheme != nil { // shown without the rest, which may hold a password
		if _, err := os.Stat(name); err != nil {
			return datasets.Source{}, fmt.Errorf("data: the data begins with %s: and is no file; an address begins with %s://", scheme[1], scheme[1])
		}
	}
	if redact.Marked(name) {
		return datasets.Source{}, fmt.Errorf("data: %s: the password or signature of this address is not stored with the run; give the address again, with them in place of %s: --data 'ADDRESS'", shown, redact.Mark)
	}
	path, err := Folder(ctx, name, nil)
	if err != nil {
		return datasets.Source{}, err
	}
	cache, err := host.CacheFolder()
	if err != nil && strings.Contains(name, "://") {
		return datasets.Source{}, fmt.Errorf("data: %s: remote shards need a cache folder: %w", shown, err)
	}
	if strings.Contains(name, "://") {
		if err := os.MkdirAll(cache, 0o755); err != nil { // before the run's folder exists
			return datasets.Source{}, fmt.Errorf("data: %s: remote shards need a cache folder: %w; set XDG_CACHE_HOME to a folder that can be written", shown, err)
		}
	}
	return datasets.Source{Path: path, Cache: cache, Remote: remote}, nil
}

// Folder returns the folder of a name. MNIST's is in the user's cache folder; where it is missing,
// [prepare.MNIST] creates it and reports progress, which may be nil.
func Folder(ctx context.Context, name string, progress func(done, total int64)) (string, error) {
	if name != MNIST {
		return name, nil
	}
	cache, err := host.CacheFolder()
	if err != nil {
		return "", fmt.Errorf("data: %s is downloaded to the cache folder: %w", MNIST, err)
	}
	return prepare.MNIST(ctx, cache, progress)
}
