package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/internal/suggest"
)

const (
	helpWidth  = 80 // columns of a terminal
	flagColumn = 26 // where the descriptions of flags begin
	// longestNote is the length of the longest note on a value, which keeps out the sources of
	// recipes: they are in completions, manual pages and the configuration reference.
	longestNote = 60
)

// printHelp is the help of a command. After a mistyped command ("train evla --help") it prints
// nothing: run reports the error.
func printHelp(cmd *cobra.Command, _ []string) {
	if strayWord(cmd) == nil {
		writeHelp(cmd.OutOrStdout(), cmd)
	}
}

// strayWord is the error for a word after a command that has only subcommands.
func strayWord(cmd *cobra.Command) error {
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return noCommand(cmd, args)
	}
	return nil
}

// writeHelp writes description, usage, examples, commands, and the flags under their headings.
func writeHelp(w io.Writer, cmd *cobra.Command) {
	description := cmd.Long
	if description == "" {
		description = cmd.Short + "."
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n", description)
	for _, line := range useLines(cmd) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(w, cmd)
	for _, h := range flagHeadings(cmd) {
		fmt.Fprintf(w, "\n%s:\n", h.name)
		for _, f := range h.flags {
			writeFlag(w, f)
		}
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nUse \"%s COMMAND --help\" for more about a command.\n", cmd.CommandPath())
	}
}

// useLines are the ways to call a command.
func useLines(cmd *cobra.Command) []string {
	var lines []string
	if groups := cmd.HasParent() && cmd.HasAvailableSubCommands(); cmd.Runnable() && !groups {
		lines = append(lines, cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		lines = append(lines, cmd.CommandPath()+" COMMAND [flags]")
	}
	return lines
}

func writeCommands(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(w, "\nCommands:\n")
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(w, "  %-10s  %s\n", c.Name(), c.Short)
		}
	}
}

// writeFlag writes a flag with its description, wrapped, in the second column.
func writeFlag(w io.Writer, f flagDoc) {
	names := "  " + f.names()
	if len(names) > flagColumn-2 {
		fmt.Fprintln(w, names)
		names = ""
	}
	for _, line := range wrap(f.text(longestNote), helpWidth-flagColumn) {
		fmt.Fprintf(w, "%-*s%s\n", flagColumn, names, line)
		names = ""
	}
}

// wrap breaks a text between words into lines of at most that many columns.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// newHelp is the command help, which refuses unknown topics.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		Example: `  train help predict
  train help bench step`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var list []cobra.Completion
			if topic, err := helpTopic(cmd.Root(), args); err == nil {
				for _, c := range topic.Commands() {
					if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), toComplete) {
						list = append(list, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, err := helpTopic(cmd.Root(), args)
			if err == nil {
				writeHelp(cmd.OutOrStdout(), topic)
			}
			return err
		},
	}
}

// helpTopic finds the command with the given path.
func helpTopic(root *cobra.Command, path []string) (*cobra.Command, error) {
	if len(path) == 1 && path[0] == root.Name() {
		return root, nil
	}
	topic, rest, err := root.Find(path)
	if err != nil {
		return nil, usageError{err}
	}
	if len(rest) > 0 {
		names := commandNames(topic)
		if topic == root {
			names = append(names, root.Name())
		}
		if len(names) == 0 {
			return nil, usagef("unknown help topic %q: %s has no subcommands", strings.Join(path, " "), topic.CommandPath())
		}
		return nil, usagef("unknown help topic %q: %s", strings.Join(path, " "), suggest.OneOf(rest[0], names))
	}
	return topic, nil
}
