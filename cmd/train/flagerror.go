package main

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/internal/suggest"
)

// flagError explains a command line that does not parse.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &invalid):
		return badValue(invalid.GetFlag(), invalid.GetValue(), invalid.Unwrap())
	case errors.As(err, &missing):
		d := describe(missing.GetFlag())
		if d.values != nil {
			return usagef("--%s needs a value: %s", d.name, strings.Join(d.values, ", "))
		}
		return usagef("--%s needs a value: %s", d.name, d.names())
	}
	return usageError{err}
}

// unknownFlag suggests the flag that was meant: its name in other tools, or the closest name.
func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	written, name := "--"+e.GetSpecifiedName(), e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); short != "" {
		written, name = "-"+short, strings.TrimLeft(short, "-")
	}
	if cmd.Name() == "serve" && name == "weights" {
		return usagef("unknown flag --weights: weights are arguments: train serve WEIGHTS, or NAME=WEIGHTS for several")
	}
	if name == "nproc" || name == "dist-timeout" {
		return usagef("unknown flag %s: %s runs in one process; training, train resume, and train bench allreduce and scaling can have several", written, cmd.CommandPath())
	}
	if hint := synonymHint(cmd, written, name); hint != "" {
		return usagef("unknown flag %s: %s", written, hint)
	}
	if len(name) > 1 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if c := suggest.Closest(name, names); c != "" {
			return usagef("unknown flag %s: did you mean --%s?", written, c)
		}
	}
	return usagef("unknown flag %s", written)
}

// Values of numeric flags, by the names that pflag gives their types.
var wants = map[string]string{
	"int": "must be a whole number", "int64": "must be a whole number", "uint64": "must be a whole number of at least 0",
	"float64": "must be a number such as 0.5", "duration": "must be a duration such as 90s, 10m or 2h",
	"bool": "must be true or false",
}

var decimalComma = regexp.MustCompile(`^[+-]?\d*,\d+$`)

// badValue explains a value that its flag does not accept. The messages of strconv, which pflag
// passes on, do not appear.
func badValue(f *pflag.Flag, value string, cause error) error {
	want, numeric := wants[f.Value.Type()]
	_, perhaps := f.Value.(auto[float64])
	switch {
	case (f.Value.Type() == "float64" || perhaps) && decimalComma.MatchString(value):
		return usagef("--%s %s: did you mean %s? Decimals are written with a point", f.Name, value, strings.Replace(value, ",", ".", 1))
	case errors.Is(cause, strconv.ErrRange):
		return usagef("--%s %s: is out of range", f.Name, value)
	case numeric:
		return usagef("--%s %s: %s", f.Name, quoted(value), want)
	}
	return usagef("--%s %s: %w", f.Name, quoted(value), cause)
}

// quoted quotes a value that would be hard to see without quotes.
func quoted(value string) string {
	if value == "" || strings.ContainsAny(value, " \t\n\"") {
		return strconv.Quote(value)
	}
	return value
}

// carriageReturn is the error for an argument with a carriage return, which a script with Windows
// line endings leaves at the end of its lines. It is invisible in messages, so it is named before
// anything else.
func carriageReturn(args []string) error {
	for i, arg := range args {
		if !strings.Contains(arg, "\r") {
			continue
		}
		what, value := "argument", arg
		if name, text, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "--") {
			what, value = name, text
		} else if i > 0 && strings.HasPrefix(args[i-1], "--") && !strings.HasPrefix(arg, "-") {
			what = args[i-1]
		}
		return usagef("%s %q: contains a carriage return; convert the script or file it comes from "+
			"to Unix line endings (dos2unix)", what, value)
	}
	return nil
}
