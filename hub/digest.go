package hub

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"regexp"
	"strings"
)

// digest is what a file is verified against.
type digest struct {
	hex  string // the digest or its beginning; "": nothing is known
	git  bool   // that of a git blob instead of SHA-256
	from string // who states it, for messages
}

// Who states a digest.
const (
	fromPublisher = "the published SHA-256"
	fromServer    = "the SHA-256 that the server states"
	fromGit       = "the git digest that the server states"
	fromFirst     = "the SHA-256 of the first download"
	fromCache     = "the SHA-256 in the name of Hugging Face's cached file"
	fromNobody    = "nothing"
)

// by is the text for [weights.Sidecar.Verified].
func (d digest) by() string {
	switch {
	case d.hex == "":
		return fromNobody
	case d.from == fromPublisher && len(d.hex) < 2*sha256.Size:
		return fmt.Sprintf("the first %d digits of %s", len(d.hex), d.from)
	}
	return d.from
}

var hexDigits = regexp.MustCompile(`^[0-9a-f]+$`)

// normalizeETag removes the marks around an ETag's value.
func normalizeETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
}

// linkedDigest is the digest in the ETag of Hugging Face: SHA-256 of a large file (Git LFS), git's of a small one.
func linkedDigest(etag string) digest {
	switch {
	case !hexDigits.MatchString(etag):
	case len(etag) == 2*sha256.Size:
		return digest{hex: etag, from: fromServer}
	case len(etag) == 2*sha1.Size:
		return digest{hex: etag, git: true, from: fromGit}
	}
	return digest{}
}

// verify compares a file with the digest and returns its SHA-256. name is how the error names the file.
func (d digest) verify(name, file string) (sum string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	of, git := sha256.New(), sha1.New()
	fmt.Fprintf(git, "blob %d\x00", info.Size()) // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
	to := []io.Writer{of}
	if d.git {
		to = append(to, git)
	}
	if _, err := io.Copy(io.MultiWriter(to...), f); err != nil {
		return "", err
	}
	sum = hexOf(of)
	got := sum
	if d.git {
		got = hexOf(git)
	}
	if !strings.HasPrefix(got, d.hex) {
		return sum, fmt.Errorf("%s: %w: %s instead of %s, %s", name, ErrDigest, got[:max(len(d.hex), 8)], d.hex, d.from)
	}
	return sum, nil
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
