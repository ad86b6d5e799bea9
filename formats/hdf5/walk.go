package hdf5

import (
	"fmt"
	"strings"
)

// Object is a group or a dataset.
type Object struct {
	// Path has the names from the root, joined by '/'; that of the root is "".
	Path string

	f    *File
	list []message
}

// Walk calls visit for the root and everything below, groups before their members, members in the file's order. skip
// says which groups are not opened.
func (f *File) Walk(skip func(path string) bool, visit func(Object) error) error {
	return f.walk("", f.root, nil, skip, visit)
}

func (f *File) walk(path string, address uint64, above []uint64, skip func(string) bool, visit func(Object) error) error {
	if len(above) > maxDepth {
		return fmt.Errorf("%w: groups nested more than %d deep", ErrFormat, maxDepth)
	}
	for _, a := range above {
		if a == address {
			return fmt.Errorf("%w: %q is a group inside itself", ErrFormat, path)
		}
	}
	list, err := f.messages(address)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	if err := visit(Object{path, f, list}); err != nil {
		return err
	}
	members, _, err := f.members(list)
	if err != nil {
		return fmt.Errorf("group %q: %w", path, err)
	}
	above = append(above, address)
	for _, m := range members {
		below := strings.TrimPrefix(path+"/"+m.name, "/")
		if skip(below) {
			continue
		}
		if err := f.walk(below, m.address, above, skip, visit); err != nil {
			return err
		}
	}
	return nil
}
