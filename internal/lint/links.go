package lint

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// Links checks every relative link of the Markdown files: the file or folder must exist in fsys, and the anchor must be
// that of a heading. Links to other sites are not followed.
func Links(fsys fs.FS, files []string) ([]Problem, error) {
	var problems []Problem
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("lint: %w", err)
		}
		for _, l := range markdownLinks(string(text)) {
			if reason := checkLink(fsys, file, l.target); reason != "" {
				problems = append(problems, Problem{Path: file, Line: l.line, Text: fmt.Sprintf("link to %s: %s", l.target, reason)})
			}
		}
	}
	sortProblems(problems)
	return problems, nil
}

type link struct {
	line   int
	target string
}

var linkPatterns = []*regexp.Regexp{
	regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`), // [text](target "title"), images too
	regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)`),         // [name]: target
	regexp.MustCompile(`(?:href|src|srcset)="([^"]+)"`),             // HTML
}

// markdownLinks lists the targets of a document's links, code apart.
func markdownLinks(text string) []link {
	var links []link
	for _, l := range prose(text) {
		for _, pattern := range linkPatterns {
			for _, m := range pattern.FindAllStringSubmatch(l.text, -1) {
				links = append(links, link{l.line, m[1]})
			}
		}
	}
	return links
}

// checkLink says what is wrong with a link of a file, "" if it resolves.
func checkLink(fsys fs.FS, file, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "is not a URL"
	}
	if u.IsAbs() || u.Host != "" {
		return ""
	}
	to := file
	if u.Path != "" {
		if strings.HasPrefix(u.Path, "/") {
			return "starts with /; write it relative to this file"
		}
		to = path.Join(path.Dir(file), u.Path)
	}
	if !fs.ValidPath(to) {
		return "leads out of the repository"
	}
	info, err := fs.Stat(fsys, to)
	if err != nil {
		return "no such file"
	}
	if u.Fragment == "" || info.IsDir() || path.Ext(to) != ".md" {
		return ""
	}
	text, err := fs.ReadFile(fsys, to)
	if err != nil {
		return err.Error()
	}
	if !anchors(string(text))[u.Fragment] {
		return "no heading with this anchor"
	}
	return ""
}

var (
	headingPattern = regexp.MustCompile(`^#{1,6}\s+(.+?)\s*#*$`)
	linkText       = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// anchors are the fragments that GitHub gives a document's headings: lower case, spaces as hyphens, punctuation left
// out, and -1, -2 and so on after repeated ones.
func anchors(text string) map[string]bool {
	found, times := map[string]bool{}, map[string]int{}
	for _, l := range lines(text) {
		m := headingPattern.FindStringSubmatch(l.text)
		if l.code || m == nil {
			continue
		}
		slug := slugOf(linkText.ReplaceAllString(m[1], "$1"))
		name := slug
		if n := times[slug]; n > 0 {
			name = fmt.Sprintf("%s-%d", slug, n)
		}
		times[slug]++
		found[name] = true
	}
	return found
}

func slugOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}
