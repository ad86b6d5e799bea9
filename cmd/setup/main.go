// Command setup prepares this machine to build and run Depthwise: it finds or downloads libtorch,
// adapts gotch to it, builds the C++ of autograd/native and writes the git-ignored go.work that
// connects them.
//
//	go run ./cmd/setup               build everything that is missing; under a second if nothing is
//	go run ./cmd/setup --cuda        the same with a libtorch for NVIDIA GPUs
//	go run ./cmd/setup --check       print the state of the installation and how to fix problems
//	go run ./cmd/setup --clean       remove everything that setup created
//	go run ./cmd/setup --module DIR  let the Go module in DIR import depthwise.dev/...
//
// libtorch comes from the folder in LIBTORCH, or with LIBTORCH_USE_PYTORCH=1 from the PyTorch of
// the python on PATH, or else from a pinned PyPI wheel that pip downloads. Everything is stored in
// the user's cache folder (XDG_CACHE_HOME moves it).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Usage: go run ./cmd/setup [--cuda] [--check | --clean | --module DIR]

Finds or downloads libtorch, adapts gotch to it, builds the C++ parts and writes go.work.
If nothing is missing, it takes less than a second and needs no network.

  --cuda         download libtorch with CUDA for NVIDIA GPUs (2.7 GB; 4 GB of disk, 7 GB meanwhile); later runs in this
                 checkout keep to it until --cuda=false
  --check        print the state of the installation and how to fix problems; exit code 1 if there are any
  --clean        remove what setup created: the cached libraries, go.work and the generated files
  --module DIR   run setup, then let the Go module in DIR import depthwise.dev/... (writes DIR/go.work, edits DIR/go.mod)

Environment:
  LIBTORCH=DIR              use the libtorch in DIR, the folder with include/ and lib/; 2.11 to 2.15
  LIBTORCH_USE_PYTORCH=1    use the PyTorch of the python on PATH, with CUDA if it has it
  XDG_CACHE_HOME=DIR        cache folder DIR/depthwise; default ~/.cache/depthwise
  CXX=COMPILER              C++ compiler; default g++, or else clang++
`

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		var usageErr usageError
		switch {
		case errors.Is(err, flag.ErrHelp):
			return
		case errors.As(err, &usageErr):
			fmt.Fprintf(os.Stderr, "setup: %v\n\n%s", err, usage)
			os.Exit(2)
		}
		fmt.Fprintf(os.Stderr, "setup: %v\n", err)
		os.Exit(1)
	}
}

// usageError is an invalid command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// run executes the command line. Progress goes to stderr, the result of --check to stdout.
func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	check := flags.Bool("check", false, "")
	clean := flags.Bool("clean", false, "")
	module := flags.String("module", "", "")
	cuda := flags.Bool("cuda", false, "")
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
		return usageError("--check, --clean and --module are mutually exclusive")
	}
	if *cuda && *clean {
		return usageError("--clean removes everything, also without --cuda")
	}

	s, err := newSetup(stderr)
	if err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "cuda" {
			s.cuda = *cuda
		}
	})
	if *cuda {
		if err := cudaConflict(); err != nil {
			return err
		}
	}
	switch {
	case *check:
		return s.check(stdout)
	case *clean:
		return s.clean()
	case *module != "":
		return s.addModule(*module)
	}
	_, err = s.install()
	return err
}
