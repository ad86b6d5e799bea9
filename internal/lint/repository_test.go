package lint

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// languagePaths are the files and folders whose language is checked. Add a folder once its texts follow Terms.
var languagePaths = []string{"README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs", "autograd", "backend", "bench", "bundle", "checkpoints",
	"classify", "cmd", "config", "data", "diagnose", "formats", "hub", "internal", "interop", "metrics", "models", "optim", "report", "scripts", "serving", "train", "tune", "weights"}

// readmeLines is the most that README.md may have: it explains and sells, docs/ documents.
const readmeLines = 180

// repository returns the repository's root and its files: all but hidden ones, test data and what is built.
func repository(t *testing.T) (fs.FS, []string) {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	var files []string
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			base := entry.Name()
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || name == "bin" || name == "runs") {
				return fs.SkipDir
			}
			return nil
		}
		files = append(files, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, files
}

func fail(t *testing.T, problems []Problem) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

func TestRepositoryLinks(t *testing.T) {
	root, files := repository(t)
	markdown := slices.DeleteFunc(files, func(name string) bool { return path.Ext(name) != ".md" })
	if !slices.Contains(markdown, "README.md") || !slices.Contains(markdown, "docs/README.md") {
		t.Fatalf("README.md or docs/README.md is not among %q", markdown)
	}
	problems, err := Links(root, markdown)
	if err != nil {
		t.Fatal(err)
	}
	fail(t, problems)
}

func TestRepositoryRepeats(t *testing.T) {
	root, files := repository(t)
	problems, err := Repeats(root, slices.DeleteFunc(files, func(name string) bool { return path.Ext(name) != ".md" }))
	if err != nil {
		t.Fatal(err)
	}
	fail(t, problems)
}

func TestRepositoryLanguage(t *testing.T) {
	root, files := repository(t)
	checked := slices.DeleteFunc(files, func(name string) bool {
		below := func(folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
		return !slices.ContainsFunc(languagePaths, below) || below("internal/lint") // which quotes the words
	})
	for _, name := range languagePaths {
		if _, err := fs.Stat(root, name); err != nil {
			t.Errorf("languagePaths: %v", err)
		}
	}
	problems, err := Language(root, checked)
	if err != nil {
		t.Fatal(err)
	}
	fail(t, problems)
}

func TestReadmeIsShort(t *testing.T) {
	root, _ := repository(t)
	text, err := fs.ReadFile(root, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > readmeLines {
		t.Errorf("README.md has %d lines; must be at most %d: move details to docs/", n, readmeLines)
	}
}

// TestDocsAreIndexed checks that docs/README.md links to every page beside it.
func TestDocsAreIndexed(t *testing.T) {
	root, files := repository(t)
	index, err := fs.ReadFile(root, "docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		page, inDocs := strings.CutPrefix(name, "docs/")
		if inDocs && path.Dir(page) == "." && path.Ext(page) == ".md" && page != "README.md" && !strings.Contains(string(index), "("+page) {
			t.Errorf("docs/README.md has no link to %s", page)
		}
	}
}

// TestArchitectureNamesThePackages checks that the table of ARCHITECTURE.md has a row for each folder
// with Go files other than tests, and no row for another folder.
func TestArchitectureNamesThePackages(t *testing.T) {
	root, files := repository(t)
	page, err := fs.ReadFile(root, "ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## Packages\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no heading Packages")
	}
	table, _, _ := strings.Cut(rest, "\n## ")
	var named, packages []string
	for line := range strings.Lines(table) {
		if cell, isRow := strings.CutPrefix(line, "| `"); isRow {
			folder, _, _ := strings.Cut(cell, "`")
			named = append(named, folder)
		}
	}
	for _, name := range files {
		if path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") && !slices.Contains(packages, path.Dir(name)) {
			packages = append(packages, path.Dir(name))
		}
	}
	for _, folder := range packages {
		if !slices.Contains(named, folder) {
			t.Errorf("ARCHITECTURE.md, Packages: no row for %s", folder)
		}
	}
	for _, folder := range named {
		if !slices.Contains(packages, folder) {
			t.Errorf("ARCHITECTURE.md, Packages: the row %s is no folder with Go files", folder)
		}
	}
}

// TestTroubleshootingQuotesTheCode checks that the messages in the tables of docs/troubleshooting.md exist in the code.
func TestTroubleshootingQuotesTheCode(t *testing.T) {
	root, files := repository(t)
	var code strings.Builder
	for _, name := range files {
		if path.Ext(name) == ".md" || sources[path.Ext(name)] == nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	page, err := fs.ReadFile(root, "docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	const foreign = "Messages of the compiler"
	quoted, isForeign := 0, false
	for _, l := range lines(string(page)) {
		switch cell, isRow := strings.CutPrefix(l.text, "| "); {
		case l.code:
		case isRow && !isForeign:
			cell, _, _ = strings.Cut(cell, " | ")
			for _, span := range codeSpan.FindAllString(cell, -1) {
				quoted++
				if !strings.Contains(code.String(), strings.Trim(span, "`")) {
					t.Errorf("docs/troubleshooting.md:%d: no code has the message %s", l.line, span)
				}
			}
		case strings.HasPrefix(l.text, foreign):
			isForeign = true
		case strings.HasPrefix(l.text, "#"):
			isForeign = false
		}
	}
	if quoted < 25 {
		t.Errorf("only %d messages found in the tables", quoted)
	}
}
