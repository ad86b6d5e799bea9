package launch

import "testing"

func TestWithRanks(t *testing.T) {
	tests := []struct {
		name  string
		env   Env
		ranks int
		want  Env
		err   string
	}{
		{"two of a process alone", Env{}, 2, Env{Launcher: NProc, Size: 2, LocalSize: 2, Spawn: 2, Host: localhost}, ""},
		{"one of a process alone", Env{}, 1, Env{}, ""},
		{"none", Env{}, 0, Env{}, "--nproc 0: must be at least 1"},
		{"one of those that it has started", Env{Launcher: NProc, Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2}, 2, Env{Launcher: NProc, Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2}, ""},
		{"a node of Kubeflow", Env{Launcher: Kubeflow, Rank: 2, Size: 3, LocalSize: 1, Host: "a", Port: 1}, 4,
			Env{Launcher: Kubeflow, Rank: 8, Size: 12, LocalSize: 4, Spawn: 4, Host: "a", Port: 1}, ""},
		{"a node of Kubeflow that would start others", Env{Launcher: Kubeflow, Rank: 4, Size: 8, LocalSize: 4, Spawn: 4, Host: "a", Port: 1}, 1,
			Env{Launcher: Kubeflow, Rank: 1, Size: 2, LocalSize: 1, Host: "a", Port: 1}, ""},
		{"the only node of Kubeflow, which would start others", Env{Launcher: Kubeflow, Size: 4, LocalSize: 4, Spawn: 4, Host: localhost}, 1, Env{}, ""},
		{"a rank of torchrun", Env{Launcher: Torchrun, Rank: 1, Size: 2}, 2, Env{}, "--nproc 2: this is rank 1 of 2 (torchrun) already: omit --nproc, and let torchrun start as many ranks as you want"},
		{"a task of Slurm", Env{Launcher: Slurm, Rank: 1, Size: 2}, 2, Env{}, "--nproc 2: this is rank 1 of 2 (Slurm) already: omit --nproc, and let Slurm start as many ranks as you want"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.env.WithRanks(tt.ranks)
			switch {
			case tt.err != "":
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
			case err != nil || got != tt.want:
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestSharing(t *testing.T) {
	tests := []struct {
		name                 string
		ranks, own, together int
		want                 int
	}{
		{"alone", 1, 64, 64, 1},
		{"no launcher", 0, 64, 64, 1},
		{"not bound", 8, 64, 64, 8},
		{"bound to a part each", 8, 8, 64, 1},
		{"bound to a core of a machine with many", 2, 1, 64, 1},
		{"bound to a NUMA node, with three others", 8, 32, 64, 4},
		{"a job of Slurm on a part of a node without confinement", 2, 128, 16, 16},
		{"unknown", 4, 64, 0, 4},
		{"not even the own ones are known", 4, 0, 8, 4},
	}
	for _, tt := range tests {
		if got := sharing(tt.ranks, tt.own, tt.together); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if got := (Env{}).Sharing(); got != 1 {
		t.Errorf("a process alone shares among %d", got)
	}
	if got := (Env{LocalSize: 3, Processors: 1 << 20}).Sharing(); got != 1 {
		t.Errorf("a process with its part of many processors shares among %d", got)
	}
}
