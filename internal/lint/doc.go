// Package lint checks the repository's texts: links, anchors and repeated lines of Markdown files, and the words of
// documentation and comments against the project's glossary of preferred terms. Its own tests run the checks over the repository.
package lint

import (
	"cmp"
	"fmt"
	"slices"
)

// Problem is a place in a file that should change.
type Problem struct {
	Path string // slash-separated, from the repository's root
	Line int    // from 1
	Text string
}

// String is PATH:LINE: TEXT.
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Text) }

func sortProblems(list []Problem) {
	slices.SortFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
}
