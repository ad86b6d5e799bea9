package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report"
	"depthwise.dev/report/live"
	"depthwise.dev/report/page"
)

// liveFlag is the flag of training for its live report. It does not change the result, and is no setting of the run.
func liveFlag(cmd *cobra.Command, s *settings) {
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.serve, "serve", "", "serve the report at `HOST:PORT` while the run trains, such as 127.0.0.1:8009; port 0 takes a free one")
		defaultText(fs, "serve", "not served")
		typical(fs, "serve", "127.0.0.1:8009", "127.0.0.1:0")
	})
}

// liveServer is the server of a run; nil: the run has none.
type liveServer struct {
	run    *live.Run
	cancel context.CancelFunc
	served sync.WaitGroup
}

// serveLive starts the server of --serve, before the run needs time: a port in use is noticed first.
func (s *settings) serveLive(cmd *cobra.Command, c config.Config) (*liveServer, error) {
	if s.serve == "" && !cmd.Flags().Changed("serve") {
		return nil, nil
	}
	if err := checkAddress("serve", s.serve); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", s.serve)
	if err != nil {
		return nil, fmt.Errorf("--serve %s: %w; port 0 takes a free one", shellWord(s.serve), err)
	}
	token := ""
	if !webaccess.Loopback(listener.Addr()) {
		token = webaccess.RandomToken()
		fmt.Fprintln(cmd.ErrOrStderr(), openAddress)
	}
	guard := webaccess.NewGuard(s.serve, listener.Addr(), token)
	fmt.Fprintf(cmd.ErrOrStderr(), "live report: %s\n", guard.URL(listener.Addr(), token))
	ctx, cancel := context.WithCancel(context.WithoutCancel(cmd.Context())) // an interrupted run still writes a checkpoint
	l := &liveServer{run: live.NewRun(func(d page.Data) []string { return commandsOf(d, c) }), cancel: cancel}
	l.served.Go(func() {
		if err := webaccess.Serve(ctx, listener, guard.Wrap(l.run.Handler(), "/healthz")); err != nil {
			_ = l.run.Record(report.Note{Level: report.Warning, Text: "live report: " + err.Error()})
		}
	})
	return l, nil
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
