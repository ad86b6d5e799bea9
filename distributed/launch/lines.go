package launch

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// longestLine bounds what is kept of a line that does not end. What is longer is written as several lines.
const longestLine = 64 << 10

// inherited is what the first rank writes to: a file itself, and another writer one write after another.
func inherited(w io.Writer, mu *sync.Mutex) io.Writer {
	if f, ok := w.(*os.File); ok {
		return f
	}
	return &locked{w, mu}
}

type locked struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// lines writes whole lines, each after a prefix, so that those of several ranks do not mix.
type lines struct {
	w      io.Writer
	mu     *sync.Mutex // of w
	prefix string
	rest   []byte // the beginning of a line
}

// Write keeps what follows the last line break. It reports no error: a rank continues when nobody reads its output.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) < longestLine {
			return len(p), nil
		}
		if i < 0 {
			i = longestLine - 1
		}
		l.line(l.rest[:i+1])
		l.rest = append(l.rest[:0], l.rest[i+1:]...)
	}
}

// flush writes a line that does not end.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.line(l.rest)
		l.rest = nil
	}
}

func (l *lines) line(text []byte) {
	text = bytes.TrimRight(text, "\r\n")
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(append(append([]byte(l.prefix), text...), '\n'))
}
