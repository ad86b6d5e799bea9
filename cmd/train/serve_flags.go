package main

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/serving"
	"depthwise.dev/serving/httpserver"
)

func newServeSettings() *serveSettings {
	return &serveSettings{
		address: "127.0.0.1:8000", log: "text", maxBodyMB: 32, memoryMB: 256,
		server: httpserver.Config{MaxImages: 64, MaxRequests: 512, Timeout: 30 * time.Second, DrainDelay: time.Second,
			DrainTimeout: 30 * time.Second, ReloadInterval: 2 * time.Second},
		model: serving.Config{MaxBatch: 32, QueueLength: 256, MaxPixels: 25_000_000,
			Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}},
	}
}

// serveFlags are the flags of train serve.
func serveFlags(cmd *cobra.Command, s *serveSettings) {
	c, m := &s.server, &s.model
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		m.Reading.Log = func(line string) { c.Log.Info(line) }
		fs.Var(choice{&m.Reading.Variant, variantNames()}, "variant", "variant of the network in weights of other tools")
		fs.DurationVar(&c.ReloadInterval, "reload-interval", c.ReloadInterval, "look for changed weights at this interval; 0: only at SIGHUP")
		defaultText(fs, "variant", "that of the tool")
	})
	flagGroup(cmd, groupServer, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.address, "addr", s.address, "`HOST:PORT` to listen on; :8000 is all addresses of the machine, port 0 a free one")
		fs.StringVar(&s.tokenFile, "token-file", "", "file with the token that requests must show, as \"Authorization: Bearer TOKEN\"")
		fs.StringSliceVar(&c.Origins, "cors", nil, "`ORIGINS` of web pages that may call from a browser, such as https://example.com, or *")
		defaultText(fs, "cors", "none")
		fs.DurationVar(&c.DrainDelay, "drain-delay", c.DrainDelay, "after SIGTERM, accept requests for this long while /readyz fails")
		fs.DurationVar(&c.DrainTimeout, "drain-timeout", c.DrainTimeout, "then wait this long for requests that have begun")
		filePath(fs, "token-file", "txt")
	})
	flagGroup(cmd, groupLimits, func(fs *pflag.FlagSet) {
		fs.IntVar(&m.MaxBatch, "max-batch", m.MaxBatch, "images per batch")
		fs.DurationVar(&m.MaxWait, "max-wait", m.MaxWait, "let an image wait this long for others to fill its batch, such as 2ms")
		fs.IntVar(&m.QueueLength, "queue", m.QueueLength, "images that may wait; further ones get status 503")
		fs.IntVar(&m.Decoders, "decoders", 0, "images decoded at the same time")
		fs.IntVar(&m.MaxPixels, "max-pixels", m.MaxPixels, "pixels of the largest image")
		fs.IntVar(&s.maxBodyMB, "max-body", s.maxBodyMB, "`MB` of the largest request")
		fs.IntVar(&s.memoryMB, "body-memory", s.memoryMB, "`MB` that the bodies of requests take together; further ones wait")
		fs.IntVar(&c.MaxImages, "max-images", c.MaxImages, "images in a request")
		fs.IntVar(&c.MaxRequests, "max-requests", c.MaxRequests, "requests that are answered at the same time")
		fs.DurationVar(&c.Timeout, "timeout", c.Timeout, "time for a request: to read it, to wait, and to compute")
		fs.BoolVar(&s.fastDecode, "fast-decode", false, "decode JPEG files of cameras at half size; probabilities change by a few thousandths at most")
		defaultText(fs, "decoders", "one per physical core, at most 8")
	})
	hardwareFlags(cmd, &m.Precision, &m.Device, &m.Backend, &m.Threads)
	graphFlag(cmd, &m.CUDAGraph, "batches")
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.Var(choice{&s.log, []string{"text", "json"}}, "log", "format of the log on standard error")
	})
}

// checkFlags names a wrong flag. The models check what is theirs, too; here errors have the names of the flags.
func (s *serveSettings) checkFlags() error {
	c, m := &s.server, &s.model
	for _, f := range []struct {
		flag     string
		value    int
		min, max int
	}{
		{"max-batch", m.MaxBatch, 1, 1 << 12}, {"queue", m.QueueLength, 1, 1 << 20}, {"decoders", m.Decoders, 0, 1024},
		{"max-pixels", m.MaxPixels, 1, 89_478_485}, {"max-body", s.maxBodyMB, 1, 1 << 10}, {"max-images", c.MaxImages, 1, 1 << 12},
		{"max-requests", c.MaxRequests, 1, 1 << 20},
	} {
		if f.value < f.min || f.value > f.max {
			return usagef("--%s %d: must be in %d..%d", f.flag, f.value, f.min, f.max)
		}
	}
	for _, f := range []struct {
		flag  string
		value time.Duration
		least time.Duration
	}{{"timeout", c.Timeout, time.Millisecond}, {"drain-timeout", c.DrainTimeout, time.Millisecond}, {"drain-delay", c.DrainDelay, 0},
		{"max-wait", m.MaxWait, 0}, {"reload-interval", c.ReloadInterval, 0}} {
		if f.value < f.least {
			return usagef("--%s %v: must be at least %v", f.flag, f.value, f.least)
		}
	}
	if least := 6 * s.maxBodyMB; s.memoryMB < least { // a request takes up to three times its body, and half is for small ones
		return usagef("--body-memory %d: must be at least 6 times --max-body, %d", s.memoryMB, least)
	}
	c.MaxBody, c.BodyMemory = int64(s.maxBodyMB)<<20, int64(s.memoryMB)<<20
	m.MaxFileSize = c.MaxBody
	if s.fastDecode {
		m.Decode = data.DecodeFast
	}
	return checkServeAddresses(s.address, c.Origins)
}

// checkServeAddresses checks --addr and --cors.
func checkServeAddresses(address string, origins []string) error {
	if err := checkAddress("addr", address); err != nil {
		return err
	}
	for _, o := range origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			return usagef("--cors %s: must be an origin such as https://example.com, without a path, or *", quoted(o))
		}
	}
	return nil
}

// checkAddress checks the address of a flag.
func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if n, wrong := strconv.Atoi(port); err != nil || wrong != nil || n < 0 || n > 65535 {
		return usagef("--%s %s: must be HOST:PORT, such as 127.0.0.1:8000, or :8000 for all addresses of the machine", flag, quoted(address))
	}
	return nil
}
