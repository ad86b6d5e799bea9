package launch

import (
	"encoding/json"
	"os"
	"testing"
)

// TestRealEnvironments: the variables that real launchers set (testdata/make_environments.py) give every rank its place.
func TestRealEnvironments(t *testing.T) {
	text, err := os.ReadFile("testdata/environments.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases map[string][]environment }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	wants := map[string]struct {
		env   Env // of rank 0, without what differs from run to run
		ranks int
	}{
		"torchrun, 2 ranks":                   {Env{Launcher: Torchrun, Host: "localhost", AgentStore: true}, 2},
		"torchrun, standalone, 3 ranks":       {Env{Launcher: Torchrun, Host: "localhost", AgentStore: true}, 3},
		"torchrun, static rendezvous, 1 rank": {Env{Launcher: Torchrun, Host: "127.0.0.1", AgentStore: true, Port: 29511, RunID: "none"}, 1},
		"mpirun, 2 ranks":                     {Env{Launcher: OpenMPI, Host: localhost}, 2},
	}
	for name, want := range wants {
		ranks := golden.Cases[name]
		if len(ranks) != want.ranks {
			t.Errorf("%s: %d ranks, want %d", name, len(ranks), want.ranks)
		}
		for i, seen := range ranks {
			e, err := Detect(seen.get)
			if err != nil {
				t.Errorf("%s, rank %d: %v", name, i, err)
				continue
			}
			w := want.env
			w.Rank, w.Size, w.LocalRank, w.LocalSize = i, want.ranks, i, want.ranks
			if w.Port == 0 && e.Port > 0 {
				w.Port = e.Port
			}
			if w.RunID == "" && e.RunID != "" {
				w.RunID = e.RunID
			}
			if e != w {
				t.Errorf("%s, rank %d: %+v, want %+v", name, i, e, w)
			}
		}
	}
}
