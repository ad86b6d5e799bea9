package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Remote reads objects at addresses such as s3://bucket/folder/train-000000.tar; package
// data/remote has one for http, https, s3 and gs. What follows a question mark belongs to
// the server, not to the name. Errors that trying again cannot mend wrap fs.ErrNotExist
// or fs.ErrPermission.
type Remote interface {
	// Stat asks what lies at an address.
	Stat(ctx context.Context, address string) (Object, error)
	// Open reads the object from offset on.
	Open(ctx context.Context, address string, offset int64) (io.ReadCloser, Object, error)
	// List returns the names of the objects below a folder. Where that cannot be asked, it
	// returns errors.ErrUnsupported, wrapped.
	List(ctx context.Context, folder string) ([]string, error)
}

// Object is what a server says of an object.
type Object struct {
	Size    int64
	Version string // changes with the content; empty where the server tells none
}

// isRemote tells an address from a path.
func isRemote(path string) bool { return strings.Contains(path, "://") }

// joinAddress puts a name below a folder's address, ahead of the query.
func joinAddress(folder, name string) string {
	folder, query := cutQuery(folder)
	return strings.TrimSuffix(folder, "/") + "/" + name + query
}

// splitAddress is joinAddress's inverse.
func splitAddress(address string) (folder, name string) {
	path, query := cutQuery(address)
	i := strings.LastIndexByte(path, '/')
	return path[:i] + query, path[i+1:]
}

// commonFolder is the deepest folder that all addresses lie in.
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

// nameBelow is an address without its folder's.
func nameBelow(folder, address string) (string, error) {
	root, query := cutQuery(folder)
	path, own := cutQuery(address)
	name, ok := strings.CutPrefix(path, root+"/")
	if !ok || own != query || !strings.Contains(root, "://") {
		return "", fmt.Errorf("data: %s does not lie below %s: the shards of a data set need one server and one query", address, folder)
	}
	return name, nil
}

func cutQuery(address string) (path, query string) {
	if i := strings.IndexByte(address, '?'); i >= 0 {
		return address[:i], address[i:]
	}
	return address, ""
}

// isPermanent tells errors that trying again cannot mend.
func isPermanent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errChanged)
}

// errChanged says that an object is not the one that was indexed, or not any more.
var errChanged = errors.New("the shard has changed since it was indexed, or while it was read; start again")

// maxBeside bounds the small files beside shards.
const maxBeside = 1 << 30

// fetch reads a small object into memory.
func (c *shardCache) fetch(ctx context.Context, address string) (content []byte, err error) {
	err = c.persist(ctx, address, func(ctx context.Context) (bool, error) {
		body, object, err := c.remote.Open(ctx, address, 0)
		if err != nil {
			return false, err
		}
		defer body.Close()
		if object.Size > maxBeside {
			return false, fmt.Errorf("%w: %d bytes are too many", fs.ErrPermission, object.Size)
		}
		content, err = io.ReadAll(io.LimitReader(body, maxBeside))
		if err == nil && int64(len(content)) < object.Size {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	})
	return content, err
}
