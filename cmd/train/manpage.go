package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// writeManPages writes a manual page for a command and each below into a folder, and returns their
// number.
//
// cobra/doc is not used: it treats descriptions as Markdown, which removes the asterisks of
// patterns such as CLASS/* and joins the lines of lists, has no headings for flags, and adds a
// Markdown parser to the program.
func writeManPages(cmd *cobra.Command, dir string) (int, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, manName(cmd)+".1"), []byte(manPage(cmd)), 0o644); err != nil {
		return 0, err
	}
	pages := 1
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		n, err := writeManPages(c, dir)
		if err != nil {
			return 0, err
		}
		pages += n
	}
	return pages, nil
}

// manName is the name of a command's manual page: train-bench-step.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is a manual page in the macros of man(7).
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" Depthwise \"Depthwise manual\"\n", strings.ToUpper(manName(cmd)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", roff(manName(cmd)), roff(cmd.Short))
	for i, line := range useLines(cmd) {
		fmt.Fprintf(&b, "%s.B %s\n", []string{"", ".br\n"}[min(i, 1)], roff(line))
	}
	if cmd.Long != "" {
		b.WriteString(".SH DESCRIPTION\n")
		manText(&b, cmd.Long)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(c)), roff(c.Short))
			}
		}
	}
	b.WriteString(".SH OPTIONS\n")
	for _, h := range flagHeadings(cmd) {
		fmt.Fprintf(&b, ".SS %s\n", roff(h.name))
		for _, f := range h.flags {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(f.names()), roff(f.text(math.MaxInt)))
		}
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	b.WriteString(".SH EXIT STATUS\n0: done. 1: failed. 2: wrong usage. 130: interrupted, in training after a checkpoint.\n")
	if cmd.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(cmd.Parent())))
	}
	return b.String()
}

// manText writes paragraphs. One with an indented line is a list, whose lines are not joined.
func manText(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.Contains("\n"+paragraph, "\n  ") {
			fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(paragraph))
			continue
		}
		fmt.Fprintf(b, ".PP\n%s\n", roff(paragraph))
	}
}

// roff escapes text: backslashes, hyphens, which troff would typeset as such, and lines that look
// like requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
