package data

import (
	"encoding/json"

	"depthwise.dev/data/internal/names"
)

// Problem names something that is not used, and the reason. Its JSON writes bytes of the path that are
// not UTF-8 as \xe9, and reads them again.
type Problem struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// String returns the problem as one line of text.
func (p Problem) String() string { return ShowName(p.Path) + ": " + p.Reason }

// problemJSON is a Problem without methods.
type problemJSON Problem

// MarshalJSON implements [json.Marshaler].
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(problemJSON{EscapeName(p.Path), p.Reason})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Problem) UnmarshalJSON(text []byte) error {
	err := json.Unmarshal(text, (*problemJSON)(p))
	p.Path = names.Unescape(p.Path)
	return err
}

// EscapeName returns the name of a file or class as valid UTF-8: other bytes are written as \xe9. Names of
// classes are escaped already.
func EscapeName(name string) string { return names.Escape(name) }

// ShowName returns the name of a file or class, or a path, for a line of text: bytes that are not UTF-8
// as \xe9, control characters as \n or \u001b.
func ShowName(name string) string { return names.Show(name) }
