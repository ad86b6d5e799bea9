package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// imageExtensions are those offered where a command takes images.
var imageExtensions = []string{"jpg", "jpeg", "JPG", "JPEG", "png", "PNG", "webp", "gif", "bmp", "tif", "tiff"}

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a shell completion script",
		Long: `Print a script that completes commands, flags and their values in a shell.

bash needs the package bash-completion. The program must be on PATH as train.`,
		Example: `  source <(train completion bash)         # this session
  train completion bash > ~/.local/share/bash-completion/completions/train
  train completion zsh > "${fpath[1]}/_train"
  train completion fish > ~/.config/fish/completions/train.fish
  train completion powershell >> $PROFILE`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction: func(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var list []cobra.Completion
			for _, shell := range shells {
				if len(args) == 0 && strings.HasPrefix(shell, toComplete) {
					list = append(list, shell)
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("completion needs a shell: %s", strings.Join(shells, ", "))
			}
			shell := shells[0]
			if err := (choice{&shell, shells}).Set(args[0]); err != nil {
				return usagef("completion %s: %w", args[0], err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			}
			return root.GenPowerShellCompletionWithDesc(w)
		},
	}
}

// completeFlags registers the completion of every flag's value, of this command and those below.
func completeFlags(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "bool" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, flagCompletion(f)) // fails only for a flag that the command lacks
		}
	})
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}

// flagCompletion completes the words that a flag allows, folders or files of its kind, or nothing.
func flagCompletion(f *pflag.Flag) cobra.CompletionFunc {
	paths := f.Annotations[pathOf]
	return func(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		list, directive := valueCompletions(f, toComplete)
		switch {
		case len(list) > 0 || paths == nil:
			return list, directive
		case paths[0] == folder:
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return paths, cobra.ShellCompDirectiveFilterFileExt
	}
}

// valueCompletions are the known values that begin with a text, with their notes. In a list only
// its last word is completed.
func valueCompletions(f *pflag.Flag, text string) ([]cobra.Completion, cobra.ShellCompDirective) {
	directive, before := cobra.ShellCompDirectiveNoFileComp, ""
	values := f.Annotations[typicalOf]
	if v, ok := f.Value.(enumerated); ok {
		values = append(v.Values(), values...)
	}
	if _, list := f.Value.(words); list {
		directive |= cobra.ShellCompDirectiveNoSpace
		before = text[:strings.LastIndexByte(text, ',')+1]
	}
	if f.Value.Type() == "auto|N" {
		values = append([]string{"auto"}, values...)
	}
	var list []cobra.Completion
	notes := valueNotes(strings.Replace(f.Name, "kernels", "backend", 1))
	for _, v := range values {
		if strings.HasPrefix(before+v, text) {
			list = append(list, cobra.CompletionWithDesc(before+v, notes[v]))
		}
	}
	return list, directive
}

// folderArguments completes up to n folders as arguments.
func folderArguments(n int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
}
