package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report/history"
	"depthwise.dev/report/page"
	"depthwise.dev/report/runs"
)

// reportFlag is the flag of training for its report.
func reportFlag(fs *pflag.FlagSet, c *config.Config) {
	fs.BoolVar(&c.Report, "report", c.Report, "write report.html and its charts into the folder of the run; --report=false: not")
}

func newReport() *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "report RUN [RUN...] [flags]",
		Short: "Write the report of a run again, or compare the curves of several",
		Long: `Write report.html of a run again, with its curves and confusion matrix as PNG
and SVG: from the files of its folder, without its images. Training does so
after each epoch; the command is for runs that were killed or ran with
--report=false.

With several runs, write one page with the curves of all, their results and the
settings in which they differ.`,
		Example: `  train report runs/photos-1
  train report runs/photos-1 --output photos.html
  train report runs/photos-1 runs/photos-2 --output comparison.html`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || slices.Contains(args, "") {
				return usagef("train report needs the folders of one or more runs, such as runs/photos-1")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "" {
				if err := checkOutput("output", output, ".html", ".htm"); err != nil {
					return err
				}
			}
			if len(args) > 1 {
				return compareRuns(cmd, args, output)
			}
			return reportOne(cmd, args[0], output)
		},
	}
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&output, "output", "", "HTML file to write")
		filePath(fs, "output", "html", "htm")
		defaultText(fs, "output", "report.html of the run, with the charts beside it; of several runs comparison.html here")
	})
	return cmd
}

// reportOne writes the report of a run: into its folder, or the page alone to a file.
func reportOne(cmd *cobra.Command, dir, output string) error {
	d, _, err := reportData(dir)
	if err != nil {
		return err
	}
	d.Commands = nextCommands(d)
	if output != "" {
		err = page.WriteFile(output, page.Mode(d.Dir), d)
	} else {
		output = filepath.Join(d.Dir, page.File)
		err = errors.Join(page.WriteFile(output, page.Mode(d.Dir), d), page.WriteCharts(page.Mode(d.Dir), d))
	}
	if err != nil {
		return fmt.Errorf("report: %s: %w; name a file in another folder with --output", dir, err)
	}
	for _, p := range d.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", p)
	}
	epochs := "1 epoch"
	if n := len(d.History.Epochs); n != 1 {
		epochs = fmt.Sprintf("%d epochs", n)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s\n", shellWord(output), epochs, d.State)
	return nil
}

// reportData reads a run.
func reportData(dir string) (page.Data, runs.Run, error) {
	dir = filepath.Clean(dir)
	if !isFile(filepath.Join(dir, configName)) && isFile(filepath.Join(dir, "..", configName)) {
		dir = filepath.Join(dir, "..") // its checkpoints, or a file in the folder
	}
	r, err := runs.Open(dir)
	if errors.Is(err, runs.ErrNoRun) {
		if list := inside(dir, "", configName); len(list) > 0 {
			return page.Data{}, r, fmt.Errorf("report: %s is not the folder of a run, but contains some: name one or more of %s", shellWord(dir), someNames(list))
		}
		return page.Data{}, r, fmt.Errorf("report: %w; give the folder of a run, such as runs/photos-1 (train runs lists them)", err)
	}
	if err != nil {
		return page.Data{}, r, fmt.Errorf("report: %w", err)
	}
	h, err := history.Read(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		return page.Data{}, r, fmt.Errorf("report: %w", err)
	}
	d := page.Gather(dir, h)
	d.State = string(r.State)
	return d, r, nil
}

// nextCommands are those that may follow a run that ended earlier.
func nextCommands(d page.Data) []string {
	c, err := config.Load(filepath.Join(d.Dir, configName))
	if err != nil {
		return nil
	}
	return commandsOf(d, c)
}

// commandsOf are the commands that may follow a run, with the settings of a process.
func commandsOf(d page.Data, c config.Config) []string {
	program, dir := programName(os.Args[0]), shellWord(d.Dir)
	if runs.State(d.State).Alive() {
		return []string{program + " report " + dir}
	}
	commands := weightsCommands(program, d.Dir, "", c)
	if d.State != string(runs.Finished) {
		return append([]string{resumeCommand(program, d.Dir, c)}, commands...)
	}
	return append(commands, extendCommands(program, d.Dir, c)...)
}

// compareRuns writes the page that compares runs.
func compareRuns(cmd *cobra.Command, dirs []string, output string) error {
	var list []page.Data
	var opened []runs.Run
	mode := os.FileMode(0o644)
	for _, dir := range dirs {
		d, r, err := reportData(dir)
		if err != nil {
			return err
		}
		list, opened = append(list, d), append(opened, r)
		mode &= page.Mode(d.Dir)
	}
	if output == "" {
		output = "comparison.html"
	}
	err := atomicfile.Write(output, mode, func(w io.Writer) error { return page.WriteOverlay(w, list, differing(opened)) })
	if err != nil {
		return fmt.Errorf("report: --output %s: %w", output, err)
	}
	for i, d := range list {
		for _, p := range d.Problems {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %s\n", dirs[i], p)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d runs\n", shellWord(output), len(list))
	return nil
}

// differing lists the settings in which any two of the runs differ.
func differing(list []runs.Run) []page.Setting {
	var settings []page.Setting
	at := map[string]int{}
	for i, r := range list[1:] {
		for _, d := range runs.Diff(list[0], r) {
			k, ok := at[d.Setting]
			if !ok {
				k = len(settings)
				at[d.Setting] = k
				settings = append(settings, page.Setting{Name: d.Setting, Values: slices.Repeat([]string{d.A}, len(list))})
			}
			settings[k].Values[i+1] = d.B
		}
	}
	slices.SortFunc(settings, func(a, b page.Setting) int { return strings.Compare(a.Name, b.Name) })
	return settings
}
