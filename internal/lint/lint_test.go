package lint

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func texts(problems []Problem) []string {
	var list []string
	for _, p := range problems {
		list = append(list, p.String())
	}
	return list
}

func TestLinks(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":       "# Top\n## What *is* there, really?\n## Same\n## Same\n## `code` and [link](docs/a.md)\n```\n# not a heading\n[no](link.md)\n```\n",
		"docs/a.md":       "# A\n",
		"docs/picture.md": "x",
		"cmd/main.go":     "package main",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for _, c := range []struct{ name, markdown, want string }{
		{"file", "[x](a.md)", ""},
		{"up", "[x](../README.md)", ""},
		{"folder", "[x](../cmd)", ""},
		{"title", `[x](a.md "A title")`, ""},
		{"source line", "[x](../cmd/main.go#L1)", ""},
		{"other site", "[x](https://example.org/none.md#none) <https://example.org>", ""},
		{"mail", "[x](mailto:a@example.org)", ""},
		{"anchor", "[x](../README.md#what-is-there-really)", ""},
		{"anchor of a repeated heading", "[x](../README.md#same-1)", ""},
		{"anchor of code and link", "[x](../README.md#code-and-link)", ""},
		{"own anchor", "# Here\n[x](#here)", ""},
		{"code span", "`[x](none.md)`", ""},
		{"code block", "~~~\n[x](none.md)\n~~~", ""},
		{"no file", "[x](none.md)", "docs/t.md:1: link to none.md: no such file"},
		{"no image", "text\n![x](none.svg)", "docs/t.md:2: link to none.svg: no such file"},
		{"reference", "[x]: none.md", "docs/t.md:1: link to none.md: no such file"},
		{"HTML", `<img src="none.svg">`, "docs/t.md:1: link to none.svg: no such file"},
		{"two in a line", "[x](a.md) [y](none.md)", "docs/t.md:1: link to none.md: no such file"},
		{"no anchor", "[x](a.md#none)", "docs/t.md:1: link to a.md#none: no heading with this anchor"},
		{"anchor too often", "[x](../README.md#same-2)", "docs/t.md:1: link to ../README.md#same-2: no heading with this anchor"},
		{"anchor in code", "[x](../README.md#not-a-heading)", "docs/t.md:1: link to ../README.md#not-a-heading: no heading with this anchor"},
		{"no own anchor", "[x](#none)", "docs/t.md:1: link to #none: no heading with this anchor"},
		{"out of the repository", "[x](../../x.md)", "docs/t.md:1: link to ../../x.md: leads out of the repository"},
		{"absolute", "[x](/README.md)", "docs/t.md:1: link to /README.md: starts with /; write it relative to this file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys["docs/t.md"] = &fstest.MapFile{Data: []byte(c.markdown)}
			problems, err := Links(fsys, []string{"docs/t.md"})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(texts(problems), "\n"); got != c.want {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
	if _, err := Links(fsys, []string{"none.md"}); err == nil {
		t.Error("no error for a file that does not exist")
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"plain", "a.md", "The backbone computes features.", nil},
		{"word", "a.md", "ok\nThe Trunk of it", []string{`a.md:2: "trunk": write backbone`}},
		{"part of a word", "a.md", "truncated, amended, pretrunk, trunk-line", nil},
		{"phrase", "a.md", "what becomes of files", []string{`a.md:1: "becomes of": write how ... is handled`}},
		{"British", "a.md", "reinitialised colours", []string{`a.md:1: "colours": write the spelling with -or`, `a.md:1: "reinitialised": write the spelling with z`}},
		{"code span and block", "a.md", "`mend`\n```\nmend\n```\n", nil},
		{"Go comment", "a.go", "package a\n\n// mends it\nvar x = 1", []string{`a.go:3: "mends": write repair or fix`}},
		{"Go block comment", "a.go", "package a\n/* one\nreckon */", []string{`a.go:3: "reckon": write compute`}},
		{"Go string", "a.go", "package a\nvar x = \"vouch\" + `\nblame`", []string{`a.go:2: "vouch": write verify`, `a.go:3: "blame": write wrap as, or report`}},
		{"Go identifier", "a.go", "package a\nvar mend = 1", nil},
		{"C comment", "a.cc", "int mend; // mend\n/* a\n mend */ int x;", []string{`a.cc:1: "mend": write repair or fix`, `a.cc:3: "mend": write repair or fix`}},
		{"C string", "a.h", "char c = '\"'; char* s = \"a\\\" mend\"; int mend;", []string{`a.h:1: "mend": write repair or fix`}},
		{"C unfinished", "a.c", "x /* mend", []string{`a.c:1: "mend": write repair or fix`}},
		{"other files", "a.txt", "mend", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, err := Language(fstest.MapFS{c.file: {Data: []byte(c.text)}}, []string{c.file})
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(problems); !reflect.DeepEqual(got, c.want) {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
	if _, err := Language(fstest.MapFS{}, []string{"none.md"}); err == nil {
		t.Error("no error for a file that does not exist")
	}
}

func TestRepeats(t *testing.T) {
	long := strings.Repeat("word ", 12)
	for _, c := range []struct{ name, markdown, want string }{
		{"repeated line", "# A\n" + long + "\nb\n" + long + "\n", "docs/t.md:4: repeats line 2"},
		{"three times", long + "\n" + long + "\n" + long, "docs/t.md:2: repeats line 1\ndocs/t.md:3: repeats line 1"},
		{"short line", "a\na\n", ""},
		{"code block", "```\n" + long + "\n" + long + "\n```\n", ""},
		{"header of a table", "| " + long + "\n|---|\n| a |\n\n| " + long + "\n|---|\n| b |\n", ""},
		{"other lines", long + "\n" + long + "!\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, err := Repeats(fstest.MapFS{"docs/t.md": {Data: []byte(c.markdown)}}, []string{"docs/t.md"})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(texts(problems), "\n"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
