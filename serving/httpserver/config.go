package httpserver

import (
	"cmp"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"depthwise.dev/internal/validate"
)

// Config says what is served, and the limits. A field of zero has the default that is named.
type Config struct {
	// Models are served by their names. The first one is that of requests that name none.
	Models []Source
	// MaxBody is the number of bytes of the largest request. 0: 32 MiB.
	MaxBody int64
	// BodyMemory is the memory in bytes that the bodies of requests take together, while they are read and until they are
	// answered; at least 6 * MaxBody. Further requests wait before their bodies are read; half of the memory is for those of
	// at most a 64th of it. 0: 256 MiB, or 6 * MaxBody if that is more.
	BodyMemory int64
	// MaxImages is the number of images in a request. 0: 64.
	MaxImages int
	// MaxRequests is the number of requests for images that are answered at the same time, those that wait included. 0: 512.
	MaxRequests int
	// Timeout is the time for a request: to read it, to wait, and to compute. 0: 30 s.
	Timeout time.Duration
	// DrainDelay is how long [Server.Serve] accepts requests after it was told to end, so that clients and load balancers
	// learn of it. 0: none.
	DrainDelay time.Duration
	// DrainTimeout is how long it then waits for requests that have begun. 0: 30 s.
	DrainTimeout time.Duration
	// ReloadInterval is the time between two looks for changed weights. 0: none; [Server.Reload] still loads them.
	ReloadInterval time.Duration
	// Token is what requests have to show, as "Authorization: Bearer TOKEN". "": nothing. The page, its description and the
	// probes are open.
	Token string
	// Origins are the web pages that may call from a browser, such as "https://example.com"; "*": all. nil: only the
	// server's own page.
	Origins []string
	// Log gets a line for each request, and the events. nil: slog.Default().
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	c.MaxBody = cmp.Or(c.MaxBody, 32<<20)
	c.BodyMemory = cmp.Or(c.BodyMemory, max(256<<20, 2*bodyFactor*c.MaxBody))
	c.MaxImages = cmp.Or(c.MaxImages, 64)
	c.MaxRequests = cmp.Or(c.MaxRequests, 512)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 30*time.Second)
	c.Log = cmp.Or(c.Log, slog.Default())
	return c
}

// validName is a name that needs no escapes in paths and metrics.
var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// ValidName reports whether a model can have a name.
func ValidName(name string) bool { return validName.MatchString(name) && strings.Trim(name, ".") != "" }

// validate names every wrong field in a *validate.Error. Defaults have been set.
func (c Config) validate() error {
	var v validate.Collector
	v.Check(len(c.Models) > 0, "Models", 0, "must name at least one model")
	names := map[string]bool{}
	for _, m := range c.Models {
		v.Check(ValidName(m.Name), "Models", m.Name, `a name has letters, digits, ".", "_" and "-"`)
		v.Check(!names[m.Name], "Models", m.Name, "two models have this name")
		v.Check(m.Open != nil, "Models", m.Name, "Open must be a function")
		names[m.Name] = true
	}
	v.Check(c.MaxBody > 0, "MaxBody", c.MaxBody, "must be positive")
	v.Check(c.BodyMemory >= 2*bodyFactor*c.MaxBody, "BodyMemory", c.BodyMemory, fmt.Sprintf("must be at least %d * MaxBody, %d", 2*bodyFactor, 2*bodyFactor*c.MaxBody))
	v.Check(c.MaxImages > 0, "MaxImages", c.MaxImages, "must be positive")
	v.Check(c.MaxRequests > 0, "MaxRequests", c.MaxRequests, "must be positive")
	v.Check(c.Timeout > 0, "Timeout", c.Timeout, "must be positive")
	v.Check(c.DrainDelay >= 0, "DrainDelay", c.DrainDelay, "must not be negative")
	v.Check(c.DrainTimeout > 0, "DrainTimeout", c.DrainTimeout, "must be positive")
	v.Check(c.ReloadInterval >= 0, "ReloadInterval", c.ReloadInterval, "must not be negative")
	return v.Err()
}
