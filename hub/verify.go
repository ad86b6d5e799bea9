package hub

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights"
)

// ErrNoDigest is returned for a file that nothing says the digest of.
var ErrNoDigest = errors.New("no digest is known")

// CachedPath returns the file of a name in the cache. It sends no request. The error is fs.ErrNotExist if it is not there.
func CachedPath(name string, o Options) (string, error) {
	t, err := parse(name, o)
	if err != nil {
		return "", err
	}
	e, err := readEnvironment(o.Cache)
	if err != nil {
		return "", err
	}
	if file := e.cachedFile(t); file != "" {
		return file, nil
	}
	return "", fmt.Errorf("hub: %s: %w", t.name, errNotCached)
}

var errNotCached = errors.New("not in the cache; train weights get NAME downloads it")

// Verify compares a file with what is known about it: the digest that its publisher states, that of its sidecar, that in
// its own metadata, or the digits in its name. It returns which one that was. The error is [ErrNoDigest], with the file's
// SHA-256, if there is none, or says how the file differs.
func Verify(file string) (against string, err error) {
	s, err := weights.ReadSidecar(file)
	if err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	if s != nil {
		return verifySidecar(file, *s)
	}
	recorded, err := checkpoints.Verify(file)
	foreign := errors.Is(err, checkpoints.ErrFormat) && !strings.EqualFold(filepath.Ext(file), ".safetensors")
	if recorded || err != nil && !foreign {
		return "the SHA-256 in its metadata", err
	}
	d := digestOfName(file)
	sum, err := d.verify(file, file)
	if err == nil && d.hex == "" {
		err = fmt.Errorf("hub: %s: %w; its SHA-256 is %s", file, ErrNoDigest, sum)
	}
	return d.by(), err
}

// verifySidecar compares a file with its sidecar, and with the table if its origin is there.
func verifySidecar(file string, s weights.Sidecar) (string, error) {
	if k := lookup(s.Origin.Name); k != nil && k.SHA256 != "" && s.SHA256 == s.Origin.SHA256 {
		d := digest{hex: k.SHA256, from: fromPublisher}
		_, err := d.verify(file, file)
		return d.by(), err
	}
	against := s.Verified
	if against == fromNobody {
		against = fromFirst
	}
	return against, s.Check(file)
}

// nameDigits are those at the end of the names of PyTorch's files: torch.hub compares them with the SHA-256.
var nameDigits = regexp.MustCompile(`-([0-9a-f]{8})\.pth?$`)

func digestOfName(file string) digest {
	if m := nameDigits.FindStringSubmatch(file); m != nil {
		return digest{hex: m[1], from: "the digits in its name"}
	}
	return digest{}
}
