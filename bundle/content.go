package bundle

import (
	"fmt"
	"io"
	"os"
)

// Folders of a bundle, and the search paths from the program to the libraries and among those (ld.so(8)).
const (
	programFolder = "bin"
	libraryFolder = "lib"

	programSearch = "$ORIGIN/../" + libraryFolder
	librarySearch = "$ORIGIN"
)

// content is a program or a library as it is written to a bundle.
type content struct {
	source string // path of the original
	size   int64
	object object
	search string // replaces the search path
}

// inspectFile opens a program or a library, which is bundled with another search path.
func inspectFile(path, search string) (content, error) {
	file, err := os.Open(path)
	if err != nil {
		return content{}, fmt.Errorf("bundle: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return content{}, fmt.Errorf("bundle: %w", err)
	}
	o, err := inspect(file)
	if err != nil {
		return content{}, fmt.Errorf("bundle: %s: %w", path, err)
	}
	if o.searchPath >= 0 && o.length < len(search) {
		return content{}, fmt.Errorf("bundle: %s: its search path of %d characters has no room for %s; link it with a longer one", path, o.length, search)
	}
	return content{path, info.Size(), o, search}, nil
}

// stored is the number of bytes without the symbols for debuggers.
func (c content) stored() int64 {
	n := c.size
	for _, s := range c.object.unused {
		n -= s.end - s.begin
	}
	return n
}

// open returns a reader of the file as it is bundled.
func (c content) open() (io.ReadCloser, error) {
	file, err := os.Open(c.source)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return &edited{content: c, file: file}, nil
}

// edited reads a file with the search path replaced, and zeros in place of the symbols for debuggers. Those are more than a
// fifth of libtorch; zeros take no space in an archive, nor in a file with holes.
type edited struct {
	content
	file *os.File
	at   int64
}

// Read implements [io.Reader].
func (e *edited) Read(p []byte) (int, error) {
	n, err := e.file.Read(p)
	for _, s := range e.object.unused {
		clear(p[e.within(s.begin, n):e.within(s.end, n)])
	}
	if begin := e.object.searchPath; begin >= 0 {
		for i := e.within(begin, n); i < e.within(begin+int64(e.object.length), n); i++ {
			p[i] = 0
			if k := e.at + int64(i) - begin; k < int64(len(e.search)) {
				p[i] = e.search[k]
			}
		}
	}
	e.at += int64(n)
	return n, err
}

// within is an offset of the file as an index of n bytes that were read at e.at, 0 or n beyond them.
func (e *edited) within(offset int64, n int) int { return int(min(max(offset-e.at, 0), int64(n))) }

// Close implements [io.Closer].
func (e *edited) Close() error { return e.file.Close() }
