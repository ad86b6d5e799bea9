package lint

import (
	"regexp"
	"strings"
)

type line struct {
	line int // from 1
	text string
	code bool // within a fenced code block
}

// lines splits a Markdown document and marks its fenced code blocks.
func lines(text string) []line {
	var list []line
	fence := ""
	for i, t := range strings.Split(text, "\n") {
		mark := fenceOf(t)
		code := fence != "" || mark != ""
		switch {
		case fence == "":
			fence = mark
		case strings.HasPrefix(mark, fence) && strings.TrimSpace(t) == mark:
			fence = ""
		}
		list = append(list, line{i + 1, t, code})
	}
	return list
}

// fenceOf returns the backquotes or tildes that open or close a code block.
func fenceOf(text string) string {
	t := strings.TrimLeft(text, " ")
	for _, c := range []string{"`", "~"} {
		if n := len(t) - len(strings.TrimLeft(t, c)); n >= 3 {
			return t[:n]
		}
	}
	return ""
}

var codeSpan = regexp.MustCompile("`[^`]*`")

// prose lists the lines outside code blocks, with their code spans left out.
func prose(text string) []line {
	var list []line
	for _, l := range lines(text) {
		if !l.code {
			l.text = codeSpan.ReplaceAllString(l.text, "``")
			list = append(list, l)
		}
	}
	return list
}
