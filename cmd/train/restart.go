package main

import "strings"

// continueRestart makes ranks that a launcher has started again continue the run that they had begun, from its newest
// checkpoint. A run of another start of the launcher in the same folder is not theirs. One of the checkpoints that train
// resume names stays the one to continue from.
func (s *settings) continueRestart() {
	e := s.ranks.env
	s.Launch = strings.TrimSpace(e.Launcher + " " + e.RunID)
	if e.Restarts > 0 && s.run == "" && s.Launched() {
		s.Resume = "auto"
	}
}
