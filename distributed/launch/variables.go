package launch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error describes an environment in which the place of the process is not clear.
type Error struct {
	Launcher string   // that the variables are of; "": unknown
	Problems []string // each with what to do
	Seen     []string // the variables that were read, as "RANK=1"
	// Batch: the process is the script of a job with several tasks, and none of them; it may start ranks of its own.
	Batch bool
}

// Error lists the problems, and what was seen.
func (e *Error) Error() string {
	text := "the environment does not say which rank this process is"
	if e.Launcher != "" {
		text += " (" + e.Launcher + ")"
	}
	text += ": " + strings.Join(e.Problems, "; ")
	if len(e.Seen) > 0 {
		text += "; seen: " + strings.Join(e.Seen, " ")
	}
	return text
}

// variables reads the environment, and collects what is wrong with it.
type variables struct {
	getenv   func(string) string
	gpus     int // of this machine
	seen     []string
	problems []string
	batch    bool
}

func (v *variables) err(launcher string) error {
	if len(v.problems) == 0 {
		return nil
	}
	return &Error{Launcher: launcher, Problems: v.problems, Seen: v.seen, Batch: v.batch && len(v.problems) == 1}
}

func (v *variables) wrong(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// has reports whether one of the variables is set to something.
func (v *variables) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return v.getenv(name) != "" })
}

// text returns a variable, and notes that it was seen.
func (v *variables) text(name string) string {
	value := strings.TrimSpace(v.getenv(name))
	if value == "" {
		return ""
	}
	if entry := name + "=" + shown(value); !slices.Contains(v.seen, entry) {
		v.seen = append(v.seen, entry)
	}
	return value
}

// shown is a value as messages show it: short, on one line.
func shown(value string) string {
	const longest = 60
	if len(value) > longest {
		value = value[:longest] + "..."
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// firstOf returns the name of the first of several variables that is set, or the first name.
func (v *variables) firstOf(names ...string) string {
	for _, name := range names {
		if v.has(name) {
			return name
		}
	}
	return names[0]
}

// optional returns a whole number, at least low, or the default if the variable is not set.
func (v *variables) optional(name string, low, byDefault int) int {
	text := v.text(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > 1<<30 {
		v.wrong("%s is %s and must be a whole number, at least %d", name, shown(text), low)
		return byDefault
	}
	return n
}

// required is optional for a variable that must be set.
func (v *variables) required(name string, low int) int {
	if v.text(name) == "" {
		v.wrong("%s is not set", name)
	}
	return v.optional(name, low, low)
}

// agree checks that a variable of another launcher, if it is set, has the same value.
func (v *variables) agree(name string, value int, source string) {
	if v.text(name) == "" {
		return
	}
	if n := v.optional(name, 0, value); n != value {
		v.wrong("%s is %d, but %s is %d: unset %s", name, n, source, value, name)
	}
}

// port reads a TCP port.
func (v *variables) port(name string) int {
	n := v.required(name, 1)
	if n > 65535 {
		v.wrong("%s is %d and must be a port, at most 65535", name, n)
	}
	return n
}

// within checks that the numbers of a rank fit together. The names are those of the variables that they were read from.
func (v *variables) within(rank, world int, rankName, worldName string) {
	if len(v.problems) == 0 && rank >= world {
		v.wrong("%s is %d, which is no rank of %s=%d: they count from 0 to %d", rankName, rank, worldName, world, world-1)
	}
}
