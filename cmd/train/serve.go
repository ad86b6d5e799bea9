package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"depthwise.dev/hub"
	"depthwise.dev/serving"
	"depthwise.dev/serving/httpserver"
	"depthwise.dev/serving/source"
	"depthwise.dev/weights"
)

// serveSettings are the flags of train serve.
type serveSettings struct {
	server    httpserver.Config
	model     serving.Config // of each model
	address   string
	tokenFile string
	log       string
	maxBodyMB int
	memoryMB  int

	fastDecode bool
}

func newServe() *cobra.Command {
	s := newServeSettings()
	cmd := &cobra.Command{
		Use:   "serve WEIGHTS|NAME=WEIGHTS... [flags]",
		Short: "Serve trained weights over HTTP",
		Long: `Answer HTTP requests with the classes and embeddings of images.

  POST /v1/classify              an image, a form with files, or JSON
  POST /v1/embed                 likewise
  POST /v1/models/NAME/classify  with one of several models; also ?model=NAME
  GET  /v1/models                names, versions, numbers of classes
  GET  /                         a page to drop photographs on
  GET  /openapi.json             the description of all of it
  GET  /metrics /healthz /readyz for Prometheus, and probes

The first model is that of requests that name none. Weights are loaded again
when their file changes, such as when a run writes better ones, and at SIGHUP;
requests that have begun end with the weights before. SIGTERM and Ctrl-C answer
the requests that have begun, then end the server.`,
		Example: `  train serve runs/photos-1
  train serve photos=runs/photos-1 more=runs/more-1 --addr 127.0.0.1:9000
  train serve runs/photos-1 --addr :8000 --token-file token.txt --log json`,
		ValidArgsFunction: serveArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd, args); err != nil {
				return err
			}
			return s.run(cmd)
		},
	}
	serveFlags(cmd, s)
	return cmd
}

// serveArguments completes files of weights and folders.
func serveArguments(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// resolve turns arguments and flags into the configuration of the server.
func (s *serveSettings) resolve(cmd *cobra.Command, args []string) (err error) {
	if len(args) == 0 {
		return usagef("serve needs weights: the folder of a run, a file, or a name of published weights, such as train serve runs/photos-1")
	}
	if err := s.checkFlags(); err != nil {
		return err
	}
	if s.tokenFile != "" {
		if s.server.Token, err = readToken("token-file", s.tokenFile); err != nil {
			return err
		}
	}
	s.server.Log = newServeLog(cmd, s.log)
	noteMachine(cmd, s.model.Options)
	names := map[string]string{}
	for _, arg := range args {
		name, value := servedModel(arg)
		if !httpserver.ValidName(name) {
			return usagef("%s: %q cannot be the name of a model, which has letters, digits, \".\", \"_\" and \"-\": choose one with NAME=WEIGHTS", shellWord(arg), name)
		}
		if other, ok := names[name]; ok {
			return usagef("%s and %s have the same name, %s: choose others with NAME=WEIGHTS", shellWord(other), shellWord(arg), name)
		}
		names[name] = arg
		c := s.model
		if c.Weights, err = localWeights(cmd, value); err != nil {
			return errors.New(strings.Replace(err.Error(), "--weights ", "", 1))
		}
		s.server.Models = append(s.server.Models, source.Weights(name, c))
	}
	return nil
}

// servedModel divides an argument into the name of a model and its weights. Without a name it is that of the run's folder, of
// the file, or of published weights.
func servedModel(arg string) (name, value string) {
	if name, value, ok := strings.Cut(arg, "="); ok && !isThere(arg) && httpserver.ValidName(name) {
		return name, value
	}
	if hub.IsName(arg) {
		parts := strings.Split(strings.TrimRight(arg, "/"), "/")
		return parts[len(parts)-1], arg
	}
	path := filepath.Clean(arg)
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute // of "." it is the folder's name
	}
	if filepath.Base(path) == weights.BestFile {
		path = filepath.Dir(path)
	} else if isFile(path) {
		path = strings.TrimSuffix(path, filepath.Ext(path))
	}
	return filepath.Base(path), arg
}

// readToken reads the token that requests have to show from the file of a flag.
func readToken(flag, path string) (string, error) {
	if err := checkInput(flag, path); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	token := strings.TrimSpace(string(text))
	if !validToken(token) {
		return "", usagef("--%s %s: must hold one word of at least 16 characters; make one with: openssl rand -hex 32", flag, shellWord(path))
	}
	return token, nil
}

// validToken reports whether a text is long enough for a token, and can be sent in a header.
func validToken(token string) bool {
	return len(token) >= 16 && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// newServeLog writes events to standard error.
func newServeLog(cmd *cobra.Command, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

// run serves until the process is interrupted. The port is taken first: a port in use is noticed before models are loaded.
func (s *serveSettings) run(cmd *cobra.Command) error {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", shellWord(s.address), err)
	}
	defer listener.Close()
	s.limitMemory()
	start := time.Now()
	server, err := httpserver.New(s.server)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	serveUntilInterrupted(ctx, func() { _ = server.Reload() }) // which logs its errors
	s.announce(cmd, listener.Addr(), time.Since(start))
	return server.Serve(ctx, listener)
}

// otherMemory is what a server takes besides bodies and images: connections, weights while they are loaded.
const otherMemory = 256 << 20

// limitMemory lets Go's collector run before the heap is larger than the limits of the server allow; by default it waits until
// the heap has doubled. A user's GOMEMLIMIT stays.
func (s *serveSettings) limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(s.server.BodyMemory + int64(len(s.server.Models))*s.model.DecodeMemory() + otherMemory)
	}
}

// announce logs where the server listens, and warns of an open one.
func (s *serveSettings) announce(cmd *cobra.Command, address net.Addr, took time.Duration) {
	var names []string
	for _, m := range s.server.Models {
		names = append(names, m.Name)
	}
	log := s.server.Log
	log.Info("listening", "url", "http://"+address.String(), "models", strings.Join(names, ","), "ms", took.Milliseconds(), "token", s.server.Token != "")
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && s.server.Token == "" {
		log.Warn("other machines can reach the server, and it asks for no token: set --token-file, or let a proxy in front of it ask")
	}
}
