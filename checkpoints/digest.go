package checkpoints

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Entries that Write adds to the metadata and Read removes.
const (
	// digestKey holds the SHA-256 of the whole file, its own 64 digits read as zeros, in lower-case
	// hex.
	digestKey = "sha256"
	// markKey says that this package wrote the file, so that a digest must be present: otherwise a
	// changed byte in the name of the digest's entry would give a file without a digest.
	markKey   = "depthwise"
	markValue = "1"
)

const digestDigits = 2 * sha256.Size

var noDigest = strings.Repeat("0", digestDigits)

// digestPosition returns the position of the digits of a digest in the header, given the end of its token;
// -1 if they are not 64 plain characters (with escapes, the text differs from its value).
func digestPosition(raw []byte, tokenEnd int, value string) int {
	at := tokenEnd - 1 - digestDigits // before the closing quote
	if len(value) != digestDigits || at < 1 || raw[at-1] != '"' || string(raw[at:tokenEnd-1]) != value {
		return -1
	}
	return at
}

// putDigest writes the digits of sum over the zeros at b.
func putDigest(b []byte, sum []byte) { hex.Encode(b[:digestDigits], sum) }

// isDigest reports whether digits are those of sum.
func isDigest(digits string, sum []byte) bool {
	return bytes.Equal([]byte(digits), []byte(hex.EncodeToString(sum)))
}
