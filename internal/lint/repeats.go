package lint

import (
	"fmt"
	"io/fs"
	"strings"
)

// shortLine is the length in bytes below which equal lines of a page are no mistake.
const shortLine = 60

// Repeats looks for long lines that a Markdown page has twice, outside code blocks and headers of tables: a merge can leave
// a paragraph or an entry of the changelog in two places.
func Repeats(fsys fs.FS, files []string) ([]Problem, error) {
	var problems []Problem
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("lint: %w", err)
		}
		first := map[string]int{}
		page := lines(string(text))
		for i, l := range page {
			header := i+1 < len(page) && strings.HasPrefix(page[i+1].text, "|---")
			if l.code || header || len(l.text) < shortLine {
				continue
			}
			if n, ok := first[l.text]; ok {
				problems = append(problems, Problem{file, l.line, fmt.Sprintf("repeats line %d", n)})
				continue
			}
			first[l.text] = l.line
		}
	}
	sortProblems(problems)
	return problems, nil
}
