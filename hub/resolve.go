package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"depthwise.dev/weights"
)

// Options are the options of [Resolve]. The zero value is valid.
type Options struct {
	Arch     string                  // of [Best]
	Width    float64                 // of [Best]
	Update   bool                    // ask Hugging Face which commit a branch means now, although one is in the cache
	Progress func(done, total int64) // of a download, in bytes; may be nil
	Note     func(text string)       // takes messages for the user; may be nil
	Cache    string                  // the folder of the cache; "": depthwise/hub in the user's cache folder
}

// Resolve returns the file of the weights that a name means, and its origin. A file in the cache is used without a network;
// otherwise the file is downloaded, continuing where an interrupted download ended. It is verified against the digest that
// its publisher states, else against the one that Hugging Face's server states; where there is neither, its digest is
// recorded, later downloads must equal it, and a note says so.
//
// Errors are [ErrName], [ErrNotFound], [ErrDenied], [ErrUnreachable] and [ErrDigest], or of the file system.
func Resolve(ctx context.Context, name string, o Options) (string, weights.Origin, error) {
	return resolve(ctx, name, o, defaultLimits)
}

func resolve(ctx context.Context, name string, o Options, l limits) (string, weights.Origin, error) {
	t, err := parse(name, o)
	if err != nil {
		return "", weights.Origin{}, err
	}
	e, err := readEnvironment(o.Cache)
	if err != nil {
		return "", weights.Origin{}, err
	}
	c := newClient(e, l, o)
	defer c.http.CloseIdleConnections()
	file, origin, err := c.resolve(ctx, t, o.Update)
	if err != nil {
		return "", origin, fmt.Errorf("hub: %s: %w", t.name, err)
	}
	return file, origin, nil
}

// resolve looks in the cache, then in those of other tools, then asks the server.
func (c *client) resolve(ctx context.Context, t target, update bool) (string, weights.Origin, error) {
	damaged := false
	if file := c.cachedFile(t); file != "" && !(update && t.repo.org != "") {
		origin, err := c.use(t, file)
		if !errors.Is(err, weights.ErrChanged) {
			return file, origin, err
		}
		c.note(fmt.Sprintf("%s is damaged, it is downloaded again", file))
		damaged = true
	}
	if file, commit := c.borrow(t); file != "" && !damaged && !update {
		if origin, linked, err := c.useBorrowed(t, file, commit); err == nil {
			return linked, origin, nil
		}
	}
	file, err := c.download(ctx, t, damaged)
	if err != nil {
		return "", weights.Origin{}, c.explain(t, err)
	}
	origin, err := c.use(t, file)
	return file, origin, err
}

// use returns the origin of a file in the cache after verifying it. One without a sidecar was put there by the user, and
// gets one.
func (c *client) use(t target, file string) (weights.Origin, error) {
	s, err := weights.ReadSidecar(file)
	if err != nil {
		return weights.Origin{}, err
	}
	if s != nil {
		return s.Origin, s.Check(file)
	}
	d := c.expected(t)
	sum, err := d.verify(file, file)
	if err != nil {
		return weights.Origin{}, fmt.Errorf("%w; delete the file", err)
	}
	o := c.originOf(t)
	if commit := filepath.Base(filepath.Dir(file)); commitPattern.MatchString(commit) {
		o.Revision = commit
	}
	if err := c.describer(t, file, o)(sum, d); err != nil { // a cache that cannot be written to can still be used
		c.note(fmt.Sprintf("the origin of %s is not recorded: %v", file, err))
	}
	o.SHA256 = sum
	return o, nil
}

// expected is the digest that is known before a download.
func (c *client) expected(t target) digest {
	if t.known != nil && t.known.SHA256 != "" {
		return digest{hex: t.known.SHA256, from: fromPublisher}
	}
	return digest{}
}

// originOf is what is known about the origin of a target without asking a server.
func (c *client) originOf(t target) weights.Origin {
	o := weights.Origin{Name: t.name, License: weights.LicenseUnknown}
	if t.repo.org != "" {
		o.Address = defaultEndpoint + "/" + t.repo.id()
		o.LicenseURL, o.Dataset = o.Address, t.repo.dataset()
	}
	if k := t.known; k != nil {
		o.License, o.LicenseURL, o.Dataset = k.License, k.LicenseURL, k.Dataset
		o.Address = first(k.Address, o.Address)
	}
	return o
}

// describer returns the function that writes the sidecar of a file.
func (c *client) describer(t target, file string, o weights.Origin) func(string, digest) error {
	return func(sum string, by digest) error {
		o.SHA256 = sum
		s := weights.Sidecar{SHA256: sum, Verified: by.by(), Origin: o}
		_, err := os.Stat(filepath.Join(filepath.Dir(file), preprocessorConfig))
		if t.known != nil && errors.Is(err, fs.ErrNotExist) {
			s.Preprocess = &t.known.Preprocess
		}
		if by.hex == "" {
			c.note(fmt.Sprintf("%s: its publisher states no digest, so nothing verifies it. Its SHA-256 %s is recorded; later downloads must equal it", t.name, sum))
		}
		return weights.WriteSidecar(file, s)
	}
}

var sha256Name = regexp.MustCompile(`^[0-9a-f]{64}$`)

// useBorrowed links a file of another tool's cache into this one if it is what it should be. Hugging Face names its
// cached files by their SHA-256.
func (c *client) useBorrowed(t target, file, commit string) (weights.Origin, string, error) {
	d := c.expected(t)
	if source, err := filepath.EvalSymlinks(file); err == nil && d.hex == "" && sha256Name.MatchString(filepath.Base(source)) {
		d = digest{hex: filepath.Base(source), from: fromCache}
	}
	sum, err := d.verify(file, file)
	if err != nil {
		c.note(fmt.Sprintf("%v; it is not used", err))
		return weights.Origin{}, "", err
	}
	linked, err := c.link(t, file, commit)
	if err != nil {
		return weights.Origin{}, "", err
	}
	o := c.originOf(t)
	o.Revision = commit
	c.note(fmt.Sprintf("%s: using %s", t.name, file))
	if err := c.describer(t, linked, o)(sum, d); err != nil {
		return weights.Origin{}, "", err
	}
	o.SHA256 = sum
	return o, linked, nil
}

// download fetches a target from its server.
func (c *client) download(ctx context.Context, t target, damaged bool) (string, error) {
	if c.offline != "" {
		return "", fmt.Errorf("%w: %s is set", ErrUnreachable, c.offline)
	}
	if t.repo.org != "" {
		return c.fetchRepository(ctx, t, damaged)
	}
	k, file := t.known, c.filePath(t.known)
	want := c.expected(t)
	if want.hex == "" {
		s, err := weights.ReadSidecar(file)
		if err != nil {
			return "", err
		}
		if s != nil {
			want = digest{hex: s.SHA256, from: fromFirst}
		}
	}
	d := download{address: k.Address, path: file, digest: want, done: func() bool { return exists(file) && !damaged },
		describe: c.describer(t, file, c.originOf(t))}
	err := c.fetch(ctx, d)
	if errors.Is(err, ErrDigest) && want.from == fromFirst {
		err = fmt.Errorf("%w; if its publisher replaced it, delete %s and try again", err, weights.SidecarPath(file))
	}
	return file, err
}

// explain adds to an error what the user can do.
func (c *client) explain(t target, err error) error {
	if closest := Closest(t.repo.id()); errors.Is(err, ErrNotFound) && t.known == nil && closest != "" && closest != t.repo.id() {
		err = fmt.Errorf("%w; did you mean %s? All names: train weights list", err, closest)
	}
	if errors.Is(err, ErrUnreachable) {
		err = fmt.Errorf("%w. Without a network: %s", err, c.manual(t))
	}
	if t.known == nil && t.path {
		err = fmt.Errorf("no file or folder of this name is here, and as a repository: %w", err)
	}
	return err
}

// manual says which files to download elsewhere, and where to save them.
func (c *client) manual(t target) string {
	if t.repo.org == "" {
		return fmt.Sprintf("download %s on another machine and save it as %s", t.known.Address, c.filePath(t.known))
	}
	file := first(t.repo.file, preferred[0])
	return fmt.Sprintf("download %s and %s (if there is one) of %s/%s/tree/%s on another machine and save them in the folder %s",
		file, strings.Join(beside, ", "), defaultEndpoint, t.repo.id(), t.repo.revision, filepath.Join(c.repositoryFolder(t.repo), t.repo.revision))
}

// escapePath escapes each part of a path for an address.
func escapePath(name string) string { return (&url.URL{Path: name}).EscapedPath() }
