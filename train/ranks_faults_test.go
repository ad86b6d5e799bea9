package train

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestRanksThatDoNotFit: a rank that would train something else ends all ranks before the first step, with its number and what
// differs, and nothing is written.
func TestRanksThatDoNotFit(t *testing.T) {
	images := testset.Images(t, 4, 2)
	for _, c := range []struct {
		name string
		edit func(m *member) // of rank 1
		want string
	}{
		{"learning rate", func(m *member) { m.config.LR = 0.5 }, "rank 1: the ranks do not fit together: --lr is 0.02 on rank 0 and 0.5 on rank 1; start all ranks with"},
		{"batch size", func(m *member) { m.config.BatchSize = 4 }, "--batch-size is 8 on rank 0 and 4 on rank 1"},
		{"two settings", func(m *member) { m.config.Seed, m.config.MixUp = 8, 0.2 }, "--mixup is 0 on rank 0 and 0.2 on rank 1; --seed is 5 on rank 0 and 8 on rank 1"},
		{"fewer images", func(m *member) { m.config.Data = testset.Images(t, 3, 2) }, "rank 0 has 12 images to train and 6 to validate, rank 1 has 9 and 6"},
		{"other names", func(m *member) { m.config.Data = renamed(t, images) }, "the images or their classes have other names"},
		{"other contents", func(m *member) { m.config.Data = recolored(t, images) }, "the same names as those of rank 0, but not the same contents"},
		{"no images", func(m *member) { m.config.Data = filepath.Join(images, "missing") }, "missing"},
		{"another network", func(m *member) { m.config.Model.Width = 0.5 }, "--width is 0.25 on rank 0 and 0.5 on rank 1"},
		{"another loss", func(m *member) {
			m.Loss = Loss{Name: "mine", Compute: func(*autograd.Scope, *autograd.Tensor, autograd.Targets) *autograd.Tensor { return nil }}
		}, `the loss is "" on rank 0 and "mine" on rank 1`},
		{"another backend", func(m *member) { m.config.Backend = "torch" }, "--backend is fused on rank 0 and torch on rank 1"},
		{"other class weights", func(m *member) { m.config.ClassWeights = classWeights(t, "3") }, "rank 1: the ranks do not fit together: the class weights are not those of rank 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, images)
			config.Backend = "fused"
			if strings.Contains(c.name, "class weights") {
				config.ClassWeights = classWeights(t, "2")
			}
			list := fitRanks(t, 2, config, func(rank int, m *member) {
				if rank == 1 {
					c.edit(m)
				}
			})
			for rank, m := range list {
				if m.err == nil || !strings.Contains(m.err.Error(), c.want) {
					t.Errorf("rank %d: error %v, want %q", rank, m.err, c.want)
				}
			}
			if _, err := os.Stat(config.Out); err == nil {
				t.Errorf("%s was left", config.Out)
			}
		})
	}
}

// classWeights writes a file with the weight of the first class.
func classWeights(t *testing.T, first string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weights.yaml")
	if err := os.WriteFile(path, []byte("blue: "+first+"\ngreen: 1\nred: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// altered copies a data set with other names or contents of its files.
func altered(t *testing.T, dir string, change func(path string, content []byte) (string, []byte)) string {
	t.Helper()
	to := t.TempDir()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no images")
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path, content := change(filepath.Join(to, strings.TrimPrefix(file, dir)), content)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func renamed(t *testing.T, dir string) string {
	return altered(t, dir, func(path string, content []byte) (string, []byte) {
		return filepath.Join(filepath.Dir(path), "x"+filepath.Base(path)), content
	})
}

// recolored gives every file the content of another one.
func recolored(t *testing.T, dir string) string {
	other := testset.Contents(t, filepath.Join(dir, "train", "red", "00.png"))
	return altered(t, dir, func(path string, content []byte) (string, []byte) {
		if strings.HasSuffix(path, ".png") {
			return path, other
		}
		return path, content
	})
}

// TestRanksHaveTheSameThreads: all compute with the fewest of all ranks, so that they have the same bits.
func TestRanksHaveTheSameThreads(t *testing.T) {
	config := small(t, testset.Images(t, 4, 2))
	config.Epochs, config.ClipGradNorm = 1, 0.1
	list := fitRanks(t, 3, config, func(rank int, m *member) { m.config.Threads = []int{3, 2, 0}[rank] })
	for rank, m := range list {
		if m.err != nil {
			t.Errorf("rank %d: %v", rank, m.err)
		}
	}
	if !slices.ContainsFunc(list[0].events, func(e report.Event) bool {
		n, ok := e.(report.Note)
		return ok && n.Text == "2 threads: as configured"
	}) {
		t.Errorf("no note of 2 threads on a machine of %v", host.ThisProcess())
	}
}

// TestLossOfARankIsNaN: all ranks end in the same step, with the rank's number, and the last good checkpoint stays.
func TestLossOfARankIsNaN(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	list := fitRanks(t, 2, config, func(rank int, m *member) {
		steps := 0
		m.Loss = Loss{Name: "fails", Compute: func(s *autograd.Scope, logits *autograd.Tensor, targets autograd.Targets) *autograd.Tensor {
			loss := autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, targets.Labels, int64(len(targets.Labels))))
			if steps++; rank == 1 && steps == 3 {
				loss = s.Scale(loss, math.NaN())
			}
			return loss
		}}
	})
	for rank, m := range list {
		if !errors.Is(m.err, ErrNotFinite) || !strings.Contains(m.err.Error(), "train: epoch 1 step 3: the loss of rank 1 is NaN") || m.result.Step != 2 {
			t.Errorf("rank %d at step %d: error %v", rank, m.result.Step, m.err)
		}
	}
}

// TestRankFails: an error of one rank ends the others with it.
func TestRankFails(t *testing.T) {
	failure := errors.New("the disk is full")
	list := fitRanks(t, 3, small(t, testset.Images(t, 14, 3)), func(rank int, m *member) {
		if rank == 2 {
			m.Callbacks = []Callback{{AfterStep: func(_ *autograd.Scope, _ *backend.Network, e report.Step) error {
				if e.Step == 2 {
					return failure
				}
				return nil
			}}}
		}
	})
	for rank, m := range list {
		if m.err == nil || !strings.Contains(m.err.Error(), "the disk is full") || rank < 2 && !strings.Contains(m.err.Error(), "rank 2") {
			t.Errorf("rank %d: error %v", rank, m.err)
		}
	}
}

// TestStatesAreCompared: ranks whose weights differ end before a checkpoint is written.
func TestStatesAreCompared(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	list := fitRanks(t, 2, config, func(rank int, m *member) {
		if rank == 1 {
			m.Callbacks = []Callback{{AfterStep: func(s *autograd.Scope, n *backend.Network, e report.Step) error {
				if e.Step == 1 {
					return s.NoGrad(func(s *autograd.Scope) error {
						p := n.Parameters()[3].Tensor
						autograd.List{p}.CopyFrom(s, autograd.List{s.Scale(p, 1.0001)})
						return s.Err()
					})
				}
				return nil
			}}}
		}
	})
	for rank, m := range list {
		if !errors.Is(m.err, ErrDiverged) || !strings.Contains(m.err.Error(), "rank 1: the ranks do not have the same state as rank 0: ") {
			t.Errorf("rank %d: error %v", rank, m.err)
		}
	}
	if saved, _ := filepath.Glob(filepath.Join(config.Out, "checkpoints", "*.safetensors")); len(saved) > 0 {
		t.Errorf("%q were written", saved)
	}
}

// TestUnreadableImagesOfRanks: rank 0 records the images that any rank could not read.
func TestUnreadableImagesOfRanks(t *testing.T) {
	dir := testset.Images(t, 60, 3)
	list := fitRanks(t, 2, small(t, dir), func(rank int, m *member) {
		m.config.Epochs = 1
		m.Callbacks = []Callback{{BeforeStep: func(_ *autograd.Scope, _ *backend.Network, e report.Step) error {
			if rank == 0 && e.Step == 1 { // after all files were verified
				return os.WriteFile(filepath.Join(dir, "train", "red", "50.png"), []byte("no image"), 0o600)
			}
			return nil
		}}}
	})
	skipped := 0
	for _, e := range list[0].events {
		if skip, ok := e.(report.Skip); ok && strings.HasSuffix(skip.Path, "50.png") {
			skipped++
		}
	}
	for rank, m := range list {
		if m.err != nil {
			t.Errorf("rank %d: %v", rank, m.err)
		}
	}
	if skipped != 1 {
		t.Errorf("%d events of the image", skipped)
	}
}

// TestBatchSizeAutoOfRanks: rank 0 measures, and all have its batch size.
func TestBatchSizeAutoOfRanks(t *testing.T) {
	c := small(t, testset.Images(t, 40, 3))
	c.BatchSize, c.Epochs = config.AutoBatchSize, 1
	list := fitRanks(t, 2, c, nil)
	for rank, m := range list {
		if m.err != nil || m.result != list[0].result {
			t.Errorf("rank %d: %+v, error %v", rank, m.result, m.err)
		}
	}
	stored, err := config.Load(filepath.Join(c.Out, configFile))
	if err != nil || stored.BatchSize < 1 || stored.Ranks != 2 {
		t.Errorf("batch size %d of %d ranks was recorded, error %v", stored.BatchSize, stored.Ranks, err)
	}
}
