package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"depthwise.dev/data"
	"depthwise.dev/internal/atomicfile"
)

// ErrChanged is returned when a file is not the one that its sidecar describes.
var ErrChanged = errors.New("the file differs from its description")

// Sidecar describes a weights file whose format has no metadata for it. It is a JSON file beside it, FILE.origin.json.
type Sidecar struct {
	SHA256   string `json:"sha256"`   // of the file beside it
	Verified string `json:"verified"` // against what the file was verified when it was written
	Origin   Origin `json:"origin"`
	// Preprocess is that of the published weights; nil: the file or its format determines it.
	Preprocess *data.Preprocess `json:"preprocess,omitempty"`
}

const (
	sidecarSuffix = ".origin.json"
	sidecarMax    = 64 << 10 // bytes; a sidecar has about 700
)

// SidecarPath is the path of the sidecar of a file.
func SidecarPath(file string) string { return file + sidecarSuffix }

// ReadSidecar reads the sidecar of a file, nil if there is none. It does not read the file; see [Sidecar.Check].
func ReadSidecar(file string) (*Sidecar, error) {
	path := SidecarPath(file)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, sidecarMax+1))
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	s, err := parseSidecar(text)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w; delete it to use the weights without it", path, err)
	}
	return s, nil
}

// parseSidecar reads the text of a sidecar and checks its values.
func parseSidecar(text []byte) (*Sidecar, error) {
	if len(text) > sidecarMax {
		return nil, fmt.Errorf("longer than %d bytes", sidecarMax)
	}
	s := new(Sidecar)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, err
	}
	if b, err := hex.DecodeString(s.SHA256); err != nil || len(b) != sha256.Size {
		return nil, fmt.Errorf("sha256 %q has not 64 hexadecimal digits", s.SHA256)
	}
	if s.Preprocess != nil {
		return s, s.Preprocess.Validate()
	}
	return s, nil
}

// WriteSidecar writes the sidecar of a file, whole or not at all.
func WriteSidecar(file string, s Sidecar) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = atomicfile.WriteFile(SidecarPath(file), 0o644, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("weights: %s: %w", SidecarPath(file), err)
	}
	return nil
}

// Check compares the file with the sidecar's digest. The error is [ErrChanged] if they differ.
func (s Sidecar) Check(file string) error {
	sum, err := Digest(file)
	if err != nil {
		return err
	}
	if sum != s.SHA256 {
		return fmt.Errorf("weights: %s: %w: SHA-256 %s, in %s %s; if that is intended, delete the latter", file, ErrChanged, sum, SidecarPath(file), s.SHA256)
	}
	return nil
}

// Digest returns the SHA-256 of a file in hexadecimal digits.
func Digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
