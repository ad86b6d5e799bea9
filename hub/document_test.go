package hub

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of docs/pretrained.md")

// TestDocument: the table in the documentation is that of the program.
func TestDocument(t *testing.T) {
	const document, begin = "../docs/pretrained.md", "<!-- table of weights: go test ./hub -run TestDocument -update -->\n"
	page, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(page), begin)
	if !found {
		t.Fatalf("%s lacks %q", document, begin)
	}
	want := head + begin + "\n" + documentTable()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("the table of %s is out of date: run go test ./hub -run TestDocument -update", document)
	}
}

func documentTable() string {
	var b strings.Builder
	b.WriteString("| name | network | width | resolution | top-1 | license | facts from |\n|---|---|---|---|---|---|---|\n")
	for _, k := range All() {
		name, top1 := "`"+k.Name+"`", "-"
		for _, a := range k.Aliases {
			name += ", `" + a + "`"
		}
		if k.Top1 > 0 {
			top1 = fmt.Sprintf("%.1f", k.Top1)
		}
		fmt.Fprintf(&b, "| %s | `%s` `%s` | %g | %d | %s | [%s](%s) | %s |\n", name, k.Arch, k.Variant, k.Width, k.Preprocess.Resolution, top1, k.License, k.LicenseURL, k.Facts)
	}
	return b.String()
}
