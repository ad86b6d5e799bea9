// Package validate collects the wrong fields of a configuration in one typed error.
package validate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"depthwise.dev/internal/suggest"
)

// FieldError describes one wrong field: its name, its value if there is one to show, and what is
// allowed.
type FieldError struct {
	Field, Value, Want string
	// File and Line locate the field where it was read from a file. Line 0: it was not.
	File string
	Line int
}

// Error returns "FIELD VALUE: WANT", after "FILE:LINE: " where the field was read from a file.
func (f FieldError) Error() string {
	text := f.Want
	if name := strings.TrimSpace(f.Field + " " + f.Value); name != "" {
		text = name + ": " + text
	}
	if f.Line > 0 {
		text = fmt.Sprintf("%s:%d: %s", f.File, f.Line, text)
	}
	return text
}

// Error lists every wrong field of a configuration.
type Error struct{ Fields []FieldError }

// Error lists the wrong fields.
func (e *Error) Error() string {
	texts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Field returns an *Error with one wrong field.
func Field(field, value, want string) error {
	return &Error{Fields: []FieldError{{Field: field, Value: value, Want: want}}}
}

// OneOf returns an *Error for a name that is not among those allowed, with the closest one.
func OneOf(field, value string, allowed []string) error {
	return Field(field, fmt.Sprintf("%q", value), suggest.OneOf(value, allowed))
}

// A Collector gathers wrong fields. The zero value is empty.
type Collector struct{ fields []FieldError }

// Err returns an *Error with all fields in the order in which they were found, or nil if there is
// none.
func (c *Collector) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Fields: c.fields}
}

// Add appends fields.
func (c *Collector) Add(fields ...FieldError) { c.fields = append(c.fields, fields...) }

// Check adds the field unless ok holds.
func (c *Collector) Check(ok bool, field string, value any, want string) {
	if !ok {
		c.Add(FieldError{Field: field, Value: fmt.Sprint(value), Want: want})
	}
}

// OneOf adds the field unless its value is allowed.
func (c *Collector) OneOf(field, value string, allowed []string) {
	c.Check(slices.Contains(allowed, value), field, fmt.Sprintf("%q", value), suggest.OneOf(value, allowed))
}

// Within adds the field unless its value is finite and within [low, high]. NaN is not.
func (c *Collector) Within(field string, value, low, high float64, want string) {
	c.Check(value >= low && value <= high && !math.IsInf(value, 0), field, value, want)
}
