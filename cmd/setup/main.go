// Command setup makes this machine ready to build and run Depthwise: it finds or fetches libtorch, fits gotch to it,
// builds the C++ of autograd/native and writes the git-ignored go.work that joins them.
//
//	go run ./cmd/setup               everything; under a second when it is already done
//	go run ./cmd/setup --check       print what is there, and the command that mends what is wrong
//	go run ./cmd/setup --clean       remove what it made
//	go run ./cmd/setup --module DIR  let the Go module in DIR import depthwise.dev/...
//
// libtorch comes from the folder in LIBTORCH, or from the torch of the python on PATH with LIBTORCH_USE_PYTORCH=1,
// or else from a pinned PyPI wheel through pip. What is made lives in the user's cache folder (XDG_CACHE_HOME moves it).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Usage: go run ./cmd/setup [--check | --clean | --module DIR]

Finds or fetches libtorch, fits gotch to it, builds the C++ parts and writes go.work.
A second run finds everything done and takes less than a second, without a network.

  --check        print what is there and the command that mends whatever is wrong; exit 1 if something is
  --clean        remove what setup made: the cached libraries, go.work and the generated files
  --module DIR   set up, then let the Go module in DIR import depthwise.dev/... (writes DIR/go.work, edits DIR/go.mod)

Environment:
  LIBTORCH=DIR              use the libtorch unpacked in DIR (it holds include/ and lib/), 2.11 to 2.15
  LIBTORCH_USE_PYTORCH=1    use the torch of the python on PATH; how a machine with a GPU gets CUDA
  XDG_CACHE_HOME=DIR        keep libraries in DIR/depthwise in place of ~/.cache/depthwise
  CXX=COMPILER              C++ compiler in place of g++
`

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		var wrong usageError
		switch {
		case errors.Is(err, flag.ErrHelp):
			return
		case errors.As(err, &wrong):
			fmt.Fprintf(os.Stderr, "setup: %v\n\n%s", err, usage)
			os.Exit(2)
		}
		fmt.Fprintf(os.Stderr, "setup: %v\n", err)
		os.Exit(1)
	}
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// run does what the arguments ask. Progress goes to stderr, the answer of --check to stdout.
func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	check := flags.Bool("check", false, "")
	clean := flags.Bool("clean", false, "")
	module := flags.String("module", "", "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			return err
		}
		return usageError(err.Error())
	}
	if flags.NArg() > 0 {
		return usageError(fmt.Sprintf("unexpected argument %q", flags.Arg(0)))
	}
	if (*check && *clean) || (*module != "" && (*check || *clean)) {
		return usageError("--check, --clean and --module exclude one another")
	}

	s, err := newSetup(stderr)
	if err != nil {
		return err
	}
	switch {
	case *check:
		return s.check(stdout)
	case *clean:
		return s.clean()
	case *module != "":
		return s.addModule(*module)
	}
	_, err = s.everything()
	return err
}
