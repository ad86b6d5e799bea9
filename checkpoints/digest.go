package checkpoints

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Entries that Write adds to the metadata, and that Read takes out again.
const (
	// digestKey holds the SHA-256 of the whole file, its own 64 digits read as zeros, in lower-case hex.
	digestKey = "sha256"
	// markKey says that this package wrote the file, so that a digest must be there: a flip in the name of the
	// digest's entry would otherwise turn the file into one that records none.
	markKey   = "depthwise"
	markValue = "1"
)

const digestDigits = 2 * sha256.Size

var noDigest = strings.Repeat("0", digestDigits)

// digestPosition is where in the header the digits of a digest stand, given where its token ends; -1 when they are not 64 plain
// characters (escapes would make the text and its value differ).
func digestPosition(raw []byte, tokenEnd int, value string) int {
	at := tokenEnd - 1 - digestDigits // before the closing quote
	if len(value) != digestDigits || at < 1 || raw[at-1] != '"' || string(raw[at:tokenEnd-1]) != value {
		return -1
	}
	return at
}

// putDigest writes the digits of sum over the zeros at b.
func putDigest(b []byte, sum []byte) { hex.Encode(b[:digestDigits], sum) }

// isDigest tells whether digits are those of sum.
func isDigest(digits string, sum []byte) bool {
	return bytes.Equal([]byte(digits), []byte(hex.EncodeToString(sum)))
}
