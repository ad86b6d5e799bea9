package distributed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// An Error is why a group ended: what happened to one of its ranks.
type Error struct {
	Rank  int    // -1: the store, which belongs to no rank
	Host  string // of the rank
	PID   int    // of the rank
	Cause string // such as "has not been heard of for 5s", or "has failed: " and an error
}

// Error names the rank and the cause.
func (e *Error) Error() string {
	if e.Rank < 0 {
		return "the store of the ranks, at " + e.Host + ", " + e.Cause
	}
	return fmt.Sprintf("rank %d (%s, pid %d) %s", e.Rank, e.Host, e.PID, e.Cause)
}

// failure is the error of a rank that ends because of err. Of an error that a failed rank caused it is that one.
func failure(m member, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	return m.error("has failed: " + text[:min(len(text), longestCause)])
}

// longestCause limits what the store holds, in bytes.
const longestCause = 4096

// encode is the error as the store holds it.
func (e *Error) encode() []byte {
	b, _ := json.Marshal(e) // strings and numbers
	return b
}

// decodeError reads an error that encode wrote; nil if the store holds none.
func decodeError(b []byte) *Error {
	if len(b) == 0 {
		return nil
	}
	e := new(Error)
	if err := json.Unmarshal(b, e); err != nil {
		return &Error{Rank: -1, Host: "unknown address", Cause: fmt.Sprintf("holds an unreadable failure: %q", b)}
	}
	return e
}
