package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report"
	"depthwise.dev/report/live"
	"depthwise.dev/report/page"
	"depthwise.dev/train/control"
)

// liveFlag is the flag of training for its live report. It does not change the result, and is no setting of the run.
func liveFlag(cmd *cobra.Command, s *settings) {
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.serve, "serve", "", "serve the report at `HOST:PORT` while the run trains, such as 127.0.0.1:8009; port 0 takes a free one")
		defaultText(fs, "serve", "not served")
		typical(fs, "serve", "127.0.0.1:8009", "127.0.0.1:0")
		fs.StringVar(&s.serveToken, "serve-token", "", "token for the controls of the served report: pause, stop, checkpoint, learning rate; `TOKEN` or @FILE with it")
		defaultText(fs, "serve-token", "a random one, which is printed")
	})
}

// liveServer is the server of a run; nil: the run has none.
type liveServer struct {
	run     *live.Run
	control *control.Control
	cancel  context.CancelFunc
	served  sync.WaitGroup
}

// serveLive starts the server of --serve, before the run needs time: a port in use is noticed first.
func (s *settings) serveLive(cmd *cobra.Command, c config.Config) (*liveServer, error) {
	if s.serve == "" && !cmd.Flags().Changed("serve") {
		if cmd.Flags().Changed("serve-token") {
			return nil, usagef("--serve-token is for the report that --serve HOST:PORT serves: add --serve 127.0.0.1:8009")
		}
		return nil, nil
	}
	if err := checkAddress("serve", s.serve); err != nil {
		return nil, err
	}
	token, err := s.liveToken(cmd)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", s.serve)
	if err != nil {
		return nil, fmt.Errorf("--serve %s: %w; port 0 takes a free one", shellWord(s.serve), err)
	}
	if !webaccess.Loopback(listener.Addr()) {
		fmt.Fprintln(cmd.ErrOrStderr(), openAddress)
	}
	guard := s.announceLive(cmd, listener.Addr(), token)
	ctx, cancel := context.WithCancel(context.WithoutCancel(cmd.Context())) // an interrupted run still writes a checkpoint
	l := &liveServer{control: control.New(), cancel: cancel}
	l.run = live.NewRun(func(d page.Data) []string { return commandsOf(d, c) }, l.control)
	l.served.Go(func() {
		if err := webaccess.Serve(ctx, listener, guard.Wrap(l.run.Handler(), "/healthz")); err != nil {
			_ = l.run.Record(report.Note{Level: report.Warning, Text: "live report: " + err.Error()})
		}
	})
	return l, nil
}

// liveToken is the token of the controls: that of the user, or "" for a random one.
func (s *settings) liveToken(cmd *cobra.Command) (string, error) {
	if !cmd.Flags().Changed("serve-token") {
		return "", nil
	}
	if path, ok := strings.CutPrefix(s.serveToken, "@"); ok {
		return readToken("serve-token", path)
	}
	if !validToken(s.serveToken) {
		return "", usagef("--serve-token: must be one word of at least 16 characters, or @FILE with it; make one with: openssl rand -hex 32")
	}
	return s.serveToken, nil
}

// announceLive prints the address of the report, with a random token but not with the user's: logs keep what a run prints.
func (s *settings) announceLive(cmd *cobra.Command, address net.Addr, token string) *webaccess.Guard {
	if token != "" {
		guard := webaccess.NewGuard(s.serve, address, token)
		guard.TokenHint = "it is that of --serve-token"
		fmt.Fprintf(cmd.ErrOrStderr(), "live report: %s\nits controls need the token of --serve-token: add ?token=TOKEN to the address\n", guard.URL(address, ""))
		return guard
	}
	token = webaccess.RandomToken()
	guard := webaccess.NewGuard(s.serve, address, token)
	guard.TokenHint = `it is in the address that the run printed when it started ("live report: "), after ?token=`
	fmt.Fprintf(cmd.ErrOrStderr(), "live report: %s\n", guard.URL(address, token))
	return guard
}

// openAddress warns of an address that other machines can reach.
const openAddress = "warning: other machines can reach this address, and the connection is not encrypted: use it in networks that you trust"

// record passes the events of the progress on to the server.
func (l *liveServer) record(progress report.Recorder) report.Recorder {
	if l == nil {
		return progress
	}
	return observed{progress, l.run}
}

// requests returns what passes requests to the run; nil: the run has no server.
func (l *liveServer) requests() *control.Control {
	if l == nil {
		return nil
	}
	return l.control
}

// close tells the clients that the run has ended, and ends the server.
func (l *liveServer) close() error {
	if l == nil {
		return nil
	}
	err := l.run.Close()
	l.cancel()
	l.served.Wait()
	return err
}

// observed is a recorder whose events another one gets, too.
type observed struct {
	report.Recorder
	other report.Recorder
}

// Record implements [report.Recorder].
func (o observed) Record(e report.Event) error {
	return errors.Join(o.other.Record(e), o.Recorder.Record(e))
}
