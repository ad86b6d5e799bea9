package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/internal/suggest"
)

// The types of flags that pflag lacks. Each reads what its String method writes.

// choice is one of a few words.
type choice struct {
	value   *string
	allowed []string
}

func (c choice) String() string   { return *c.value }
func (c choice) Type() string     { return "NAME" }
func (c choice) Values() []string { return c.allowed }
func (c choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return errors.New(suggest.OneOf(text, c.allowed))
	}
	*c.value = text
	return nil
}

// known is free text with known values. The configuration validates it.
type known struct {
	value       *string
	listed      []string
	placeholder string
}

func (k known) String() string        { return *k.value }
func (k known) Type() string          { return k.placeholder }
func (k known) Values() []string      { return k.listed }
func (k known) Set(text string) error { *k.value = text; return nil }

// words is a comma-separated list of words.
type words struct {
	value   *[]string
	allowed []string
}

func (w words) String() string   { return strings.Join(*w.value, ",") }
func (w words) Type() string     { return "LIST" }
func (w words) Values() []string { return w.allowed }
func (w words) Set(text string) error {
	list := []string{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if !slices.Contains(w.allowed, word) {
			return fmt.Errorf("%q: %s", word, suggest.OneOf(word, w.allowed))
		}
		list = append(list, word)
	}
	*w.value = list
	return nil
}

// span is two comma-separated numbers, minimum and maximum.
type span [2]float64

func (s *span) String() string { return number(s[0]) + "," + number(s[1]) }
func (s *span) Type() string   { return "MIN,MAX" }
func (s *span) Set(text string) error {
	low, high, ok := strings.Cut(text, ",")
	least, err := strconv.ParseFloat(strings.TrimSpace(low), 64)
	greatest, err2 := strconv.ParseFloat(strings.TrimSpace(high), 64)
	if !ok || err != nil || err2 != nil {
		return errors.New("must be two numbers separated by a comma, such as 0.35,1")
	}
	*s = span{least, greatest}
	return nil
}

// jitter is four comma-separated numbers, of which the last may be omitted, or one for the first
// three.
type jitter [4]float64

func (j *jitter) Type() string { return "B,C,S,H" }
func (j *jitter) String() string {
	var texts []string
	for _, x := range j {
		texts = append(texts, number(x))
	}
	return strings.Join(texts, ",")
}

func (j *jitter) Set(text string) error {
	var values jitter
	parts := strings.Split(text, ",")
	for i, part := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || len(parts) == 2 || i == len(values) {
			return errors.New("must be one number, or four separated by commas, such as 0.4 or 0.4,0.4,0.4,0.1")
		}
		values[i] = x
	}
	if len(parts) == 1 {
		values[1], values[2] = values[0], values[0]
	}
	*j = values
	return nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// auto is a number of at least 0, or the word auto, stored as -1.
type auto[T int | float64] struct{ value *T }

func (a auto[T]) Type() string { return "auto|N" }
func (a auto[T]) String() string {
	if *a.value < 0 {
		return "auto"
	}
	return number(float64(*a.value))
}

func (a auto[T]) Set(text string) error {
	if text == "auto" {
		*a.value = -1
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0) || float64(T(n)) != n {
		what := "a number"
		if _, whole := any(*a.value).(int); whole {
			what = "a whole number"
		}
		return fmt.Errorf("must be %s of at least 0, or auto", what)
	}
	*a.value = T(n)
	return nil
}
