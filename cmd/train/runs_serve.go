package main

import (
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report/live"
)

func newRunsServe() *cobra.Command {
	address := "127.0.0.1:8008"
	cmd := &cobra.Command{
		Use:   "serve [DIR] [flags]",
		Short: "Serve the list of runs as a page",
		Long: `Serve the runs in a folder, without DIR those in runs/, as a page that follows
them: state, accuracy, age and size, and the report of each from its files.
Nothing can be changed through it; a run is controlled through its own --serve.

Other machines can reach an address that is not a loopback one. Reading then
needs the token of the address that is printed. The connection is not encrypted:
use it in networks that you trust, or forward a port with ssh -L.

  GET /            the list        GET /api/runs   the same as JSON
  GET /runs/NAME   a report        GET /healthz    for probes`,
		Example: `  train runs serve
  train runs serve /data/experiments --addr 127.0.0.1:9000`,
		Args: oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAddress("addr", address); err != nil {
				return err
			}
			dir := runsFolder
			if len(args) > 0 {
				dir = args[0]
			}
			if info, err := os.Stat(dir); err != nil {
				return fmt.Errorf("runs serve: there is no folder %s here; name the folder of the runs: %w", shellWord(dir), err)
			} else if !info.IsDir() {
				return fmt.Errorf("runs serve: %s is not a folder; name the folder of the runs", shellWord(dir))
			}
			return serveRuns(cmd, dir, address)
		},
	}
	flagGroup(cmd, groupServer, func(fs *pflag.FlagSet) {
		fs.StringVar(&address, "addr", address, "`HOST:PORT` to listen on; :8008 is all addresses of the machine, port 0 a free one")
	})
	return cmd
}

// serveRuns serves until the process is interrupted.
func serveRuns(cmd *cobra.Command, dir, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--addr %s: %w; port 0 takes a free one", shellWord(address), err)
	}
	defer listener.Close()
	token := ""
	if !webaccess.Loopback(listener.Addr()) {
		token = webaccess.RandomToken()
		fmt.Fprintln(cmd.ErrOrStderr(), openAddress)
	}
	guard := webaccess.NewGuard(address, listener.Addr(), token)
	guard.ReadOnly = "this server is read only: to control a run, open the address that its own process printed (train --serve)"
	fmt.Fprintf(cmd.ErrOrStderr(), "runs in %s: %s\n", shellWord(dir), guard.URL(listener.Addr(), token))
	serveUntilInterrupted(cmd.Context(), func() {})
	return webaccess.Serve(cmd.Context(), listener, guard.Wrap(live.NewRuns(dir, nextCommands).Handler(), "/healthz"))
}

// oneFolder allows one argument.
func oneFolder(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one folder, got also %s", cmd.CommandPath(), shellWord(args[1]))
	}
	return nil
}
