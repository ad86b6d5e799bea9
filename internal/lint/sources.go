package lint

import (
	"go/scanner"
	"go/token"
	"strings"
)

// goText lists the comments and strings of a Go file, a line each.
func goText(text string) []line {
	var list []line
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments) // the compiler reports errors
	for {
		position, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return list
		case token.COMMENT, token.STRING:
			list = append(list, split(file.Line(position), literal)...)
		}
	}
}

// cText lists the comments and strings of a C or C++ file, a line each.
func cText(text string) []line {
	var list []line
	for at, number := 0, 1; at < len(text); {
		n, isText := cToken(text[at:])
		if isText {
			list = append(list, split(number, text[at:at+n])...)
		}
		number += strings.Count(text[at:at+n], "\n")
		at += n
	}
	return list
}

// cToken returns the length of the comment, string or character at the beginning of a text, and whether it is one of
// the first two.
func cToken(text string) (n int, isText bool) {
	switch {
	case strings.HasPrefix(text, "//"):
		return until(text, 2, "\n"), true
	case strings.HasPrefix(text, "/*"):
		return until(text, 2, "*/"), true
	case text[0] == '"' || text[0] == '\'':
		for n = 1; n < len(text) && text[n] != text[0] && text[n] != '\n'; n++ {
			if text[n] == '\\' {
				n++
			}
		}
		return min(n+1, len(text)), text[0] == '"'
	}
	return 1, false
}

// until returns where the end of a text's first token is, the end mark included.
func until(text string, from int, end string) int {
	if i := strings.Index(text[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(text)
}

func split(first int, text string) []line {
	var list []line
	for i, t := range strings.Split(text, "\n") {
		list = append(list, line{line: first + i, text: t})
	}
	return list
}
