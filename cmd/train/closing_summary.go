package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"depthwise.dev/config"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/terminal"
	"depthwise.dev/train"
)

// results are the files of a run that users open, in the order of the summary.
var results = []struct{ what, name string }{
	{"weights", "best.safetensors"},
	{"report", "report.html"},
	{"metrics", "metrics.csv"},
	{"settings", configName},
	{"checkpoints", "checkpoints"},
}

// writeSummary ends the output of a run: the best epoch, where everything is, and the commands that come next. Lines are
// not broken, so that paths and commands can be copied.
func writeSummary(w io.Writer, program string, c config.Config, r train.Result) {
	p := terminal.Colors(w)
	if text := bestEpoch(r); text != "" {
		fmt.Fprintln(w, p.Green(text))
	}
	fmt.Fprintf(w, "%s %s\n", p.Bold("Results are in"), shellWord(r.Dir))
	for _, f := range results {
		path := filepath.Join(r.Dir, f.name)
		if _, err := os.Stat(path); err == nil {
			fmt.Fprintf(w, "  %-12s %s\n", f.what, shellWord(path))
		}
	}
	fmt.Fprintln(w, p.Bold("Next:"))
	for _, command := range nextSteps(program, c, r) {
		fmt.Fprintln(w, "  "+command)
	}
}

// bestEpoch describes the epoch whose weights are in best.safetensors; "" without validation.
func bestEpoch(r train.Result) string {
	switch b := r.Best; {
	case b.Epoch == 0:
		return ""
	case b.MAP > 0:
		return fmt.Sprintf("Best epoch: %d, val mAP %.1f %%", b.Epoch, 100*b.MAP)
	default:
		return fmt.Sprintf("Best epoch: %d, val top-1 %.1f %%", b.Epoch, 100*b.Top1)
	}
}

// nextSteps are the three commands that use the weights of a run. One that has not ended has two: to continue it, and to use
// what it has.
func nextSteps(program string, c config.Config, r train.Result) []string {
	if !r.Finished {
		return []string{resumeCommand(program, r.Dir, c), predictCommand(program, r.Dir, exampleImage(r, c))}
	}
	return weightsCommands(program, r.Dir, exampleImage(r, c), c)
}

// exampleImage is what the summary's command classifies, so that it works as it is: an image of the data set, or its shards. "": the
// user has to name one, because the path cannot be written in a line or the address needs a password.
func exampleImage(r train.Result, c config.Config) string {
	switch {
	case r.Image == "" && (c.Data == "" || redact.HasSecrets(c.Data)):
		return ""
	case r.Image == "":
		return shellWord(c.Data)
	case strings.ContainsFunc(r.Image, unicode.IsControl) || !utf8.ValidString(r.Image):
		return ""
	}
	return shellWord(r.Image)
}

// predictCommand classifies an image, a word of a shell; "": one that the user names.
func predictCommand(program, dir, image string) string {
	return fmt.Sprintf("%s predict --weights %s %s", program, shellWord(dir), cmp.Or(image, "IMAGE..."))
}

// weightsCommands are the commands that use the weights of a run, on an image where one is given.
func weightsCommands(program, dir, image string, c config.Config) []string {
	word, name := shellWord(dir), cmp.Or(strings.TrimLeft(filepath.Base(dir), "-"), "weights")
	return []string{
		fmt.Sprintf("%s eval --weights %s%s --data %s", program, word, listArguments(c), dataArgument(c.Data)),
		predictCommand(program, dir, image),
		fmt.Sprintf("%s export --weights %s --output %s", program, word, shellWord(name+".safetensors")),
	}
}

// extendCommands is the command that makes a finished run longer; none where more epochs may not change it.
func extendCommands(program, dir string, c config.Config) []string {
	if c.MaxSteps != 0 || c.Time != 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s resume %s%s --extend-epochs N", program, shellWord(dir), ranksFlag())}
}
