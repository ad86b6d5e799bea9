package main

import (
	"slices"
	"strings"

	"depthwise.dev/autograd"
)

// prepareToCompute sets what a command that runs a network needs before it begins.
func prepareToCompute(args []string) {
	if computes(args) {
		boundSpinning()
		autograd.DelayMonitor()
	}
}

// computes reports whether the command line names a command that runs a network. Others start twice as fast without
// preparation.
func computes(args []string) bool {
	if len(args) == 0 || slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "--help" || a == "--version" }) {
		return false
	}
	cmd, _, err := newRoot().Find(args)
	if err != nil || !cmd.HasParent() && !strings.HasPrefix(args[0], "-") { // a word that is no command, or help
		return false
	}
	return cmd.Flags().Lookup("threads") != nil
}
