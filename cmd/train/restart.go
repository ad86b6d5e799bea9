package main

import (
	"strings"

	"depthwise.dev/distributed/launch"
)

// continueRestart makes ranks that a launcher has started again continue the run that they had begun, from its newest
// checkpoint. A run of another start of the launcher in the same folder is not theirs. One of the checkpoints that train
// resume names stays the one to continue from.
func (s *settings) continueRestart() {
	e := s.ranks.env
	s.Launch = strings.TrimSpace(e.Launcher + " " + e.RunID)
	if mayBeRestart(e) && s.run == "" && s.Launched() {
		s.Resume = "auto"
	}
}

// mayBeRestart reports whether a run of the same launch can be the one that these ranks had begun. torchrun counts restarts on each
// machine alone: 0 on one where no rank has failed. Its run then tells, unless torchrun has given it the name of all runs.
func mayBeRestart(e launch.Env) bool {
	named := e.RunID != "" && e.RunID != "none"
	return e.Restarts > 0 || e.Launcher == launch.Torchrun && e.LocalSize < e.Size && named
}
