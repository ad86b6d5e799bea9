package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"depthwise.dev/internal/redact"
)

// Remote reads objects at addresses such as s3://bucket/folder/train-000000.tar. Package data/remote
// implements it for http, https, s3 and gs. The query of an address configures the client and is not
// part of the name. Errors that a retry cannot fix wrap fs.ErrNotExist or fs.ErrPermission. Calls, and reads
// of a body, end by themselves if a server is silent or slow. A Remote with a method Note(text string) is
// given a message for the user when a request failed and is repeated.
type Remote interface {
	// Stat returns the size and version of an object.
	Stat(ctx context.Context, address string) (Object, error)
	// Open reads the object from offset on.
	Open(ctx context.Context, address string, offset int64) (io.ReadCloser, Object, error)
	// List returns the names of the objects in a folder and its subfolders, relative to it. A server
	// without listings returns errors.ErrUnsupported, wrapped.
	List(ctx context.Context, folder string) ([]string, error)
}

// ErrRefused is returned, wrapped together with fs.ErrPermission, for an answer that is not used because it
// is wrong, too large or insecure. It does not mean that the object is missing.
var ErrRefused = errors.New("refused")

// Object describes an object on a server.
type Object struct {
	Size    int64
	Version string // changes with the content; empty if the server sends none
}

// isRemote reports whether path is an address.
func isRemote(path string) bool { return strings.Contains(path, "://") }

// joinAddress appends a name to the address of a folder, before the query.
func joinAddress(folder, name string) string {
	folder, query := cutQuery(folder)
	return strings.TrimSuffix(folder, "/") + "/" + name + query
}

// splitAddress is the inverse of joinAddress.
func splitAddress(address string) (folder, name string) {
	path, query := cutQuery(address)
	i := strings.LastIndexByte(path, '/')
	return path[:i] + query, path[i+1:]
}

// commonFolder is the deepest folder that contains all addresses.
func commonFolder(addresses []string) string {
	folder, query := cutQuery(parentOf(addresses[0]))
	for _, a := range addresses {
		path, _ := cutQuery(a)
		for !strings.HasPrefix(path, folder+"/") && strings.Contains(folder, "/") {
			folder = folder[:strings.LastIndexByte(folder, '/')]
		}
	}
	return folder + query
}

// nameBelow returns an address relative to a folder.
func nameBelow(folder, address string) (string, error) {
	root, query := cutQuery(folder)
	root = strings.TrimSuffix(root, "/")
	path, own := cutQuery(address)
	name, ok := strings.CutPrefix(path, root+"/")
	if !ok || own != query || !strings.Contains(root, "://") {
		return "", fmt.Errorf("data: %s is not in %s: the shards of a data set must have one server and one query", redact.Address(address), redact.Address(folder))
	}
	return name, nil
}

// atAddress adds an address to an error that does not name it. The text has no secrets.
func atAddress(address string, err error) error {
	shown := redact.Address(address)
	if err == nil || strings.Contains(redact.Text(err.Error()), shown) {
		return redact.Error(err)
	}
	return redact.Error(fmt.Errorf("data: %s: %w", shown, err))
}

func cutQuery(address string) (path, query string) {
	if i := strings.IndexByte(address, '?'); i >= 0 {
		return address[:i], address[i:]
	}
	return address, ""
}

// parentOf is the folder of a path or an address.
func parentOf(path string) string {
	if isRemote(path) {
		folder, _ := splitAddress(path)
		return folder
	}
	return filepath.Dir(path)
}

// JoinPath appends a name to a folder, which is a path or an address. (filepath.Join would remove one of
// an address's slashes.)
func JoinPath(root, name string) string {
	if isRemote(root) {
		return joinAddress(root, name)
	}
	return filepath.Join(root, name)
}
