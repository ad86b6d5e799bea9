package train

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/weights"
)

// ErrOtherRank is returned when ranks have other settings, images or machines, with which they would not train the same network.
var ErrOtherRank = errors.New("the ranks do not fit together")

// rankStart is what a rank starts from.
type rankStart struct {
	Settings         string // those that affect the result, as YAML
	Digest, Pictures string // of the images
	Images           counts
	Parts            map[string]string // of the trainer
	StepCallbacks    bool              // there are callbacks after each step
	Threads          int               // as configured; 0: the default
	Usual            int               // the default
}

// compareStarts refuses ranks with other settings or images than rank 0, all with the same error, and gives all the same number of
// threads.
func (r *run) compareStarts() error {
	r.usual = usualThreads()
	if !r.ranks.several() {
		return nil
	}
	c := resultSettings(r.config)
	c.Precision, c.Backend, c.TF32, c.Deterministic = r.config.Precision, r.config.Backend, r.config.TF32, r.config.Deterministic
	settings, err := c.YAML()
	if err != nil {
		return err
	}
	all, err := gathered(r.ranks, rankStart{Settings: string(settings), Digest: r.images.digest, Pictures: r.images.pictures, Images: r.images.counts(), Parts: r.trainer.names(),
		StepCallbacks: r.trainer.stepCallbacks(), Threads: r.config.Threads, Usual: r.usual.n})
	if err != nil {
		return err
	}
	for rank, s := range all {
		different, err := s.differences(rank, all[0])
		if err != nil {
			return err
		}
		if len(different) > 0 {
			return otherRank(rank, different, "start all ranks with the same settings, images and program")
		}
	}
	r.eachStep = slices.ContainsFunc(all, func(s rankStart) bool { return s.StepCallbacks }) // all read results after the same steps
	r.shareThreads(all)
	return nil
}

func otherRank(rank int, different []string, advice string) error {
	return fmt.Errorf("train: rank %d: %w: %s; %s", rank, ErrOtherRank, strings.Join(different, "; "), advice)
}

// differences lists how a rank differs from rank 0. All ranks show the texts, so they name it.
func (s rankStart) differences(rank int, first rankStart) ([]string, error) {
	list, err := differentSettings(first.Settings, s.Settings, first.Settings)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, d := range list {
		texts = append(texts, fmt.Sprintf("%s is %s on rank 0 and %s on rank %d", d.name, d.was, d.is, rank))
	}
	switch {
	case s.Images != first.Images:
		texts = append(texts, fmt.Sprintf("rank 0 has %d images to train and %d to validate, rank %d has %d and %d", first.Images.Train, first.Images.Val, rank, s.Images.Train, s.Images.Val))
	case s.Digest != first.Digest:
		texts = append(texts, "the images or their classes have other names than those of rank 0")
	case s.Pictures != first.Pictures:
		texts = append(texts, "the images have the same names as those of rank 0, but not the same contents")
	}
	for _, key := range []string{metaLoss, metaRule} {
		if s.Parts[key] != first.Parts[key] {
			texts = append(texts, fmt.Sprintf("the %s is %q on rank 0 and %q on rank %d", key, first.Parts[key], s.Parts[key], rank))
		}
	}
	return texts, nil
}

// shareThreads gives all ranks the smallest number of threads: sums such as the norm of the gradients depend on it, and ranks that
// clip differently would no longer have the same weights.
func (r *run) shareThreads(all []rankStart) {
	for rank, s := range all {
		if s.Usual < r.usual.n {
			r.usual = threads{s.Usual, fmt.Sprintf("as of rank %d, which has the fewest", rank)}
		}
		r.config.Threads = min(cmp.Or(r.config.Threads, s.Threads), cmp.Or(s.Threads, r.config.Threads))
	}
}

// sharedSettings are those of rank 0.
type sharedSettings struct {
	Settings string // as YAML
	Resume   string
}

// shareSettings gives the other ranks the settings that rank 0 has chosen.
func (r *run) shareSettings() error {
	if !r.ranks.several() {
		return nil
	}
	text, err := r.config.YAML()
	if err != nil {
		return err
	}
	shared := sharedSettings{string(text), r.config.Resume}
	if err := r.ranks.share(&shared); err != nil || r.ranks.first() {
		return err
	}
	c := r.config
	c.Ranks, c.Preprocessing = 0, config.Config{}.Preprocessing // omitted where they are zero
	if err := yaml.Unmarshal([]byte(shared.Settings), &c); err != nil {
		return fmt.Errorf("train: the settings of rank 0: %w", err)
	}
	own := r.config
	c.Data, c.Images, c.Out, c.Resume = own.Data, own.Images, own.Out, shared.Resume
	c.Device, c.Threads, c.Workers, c.ShardCache = own.Device, own.Threads, own.Workers, own.ShardCache
	if own.WeightsFromFile() {
		c.ClassWeights = own.ClassWeights // whose numbers are compared
	}
	r.config = c
	r.net, err = r.trainer.network(&r.config, len(r.images.train.Classes))
	return err
}

// rankMachine is what a rank computes with, and what it computes.
type rankMachine struct {
	Machine      backend.Machine
	ClassWeights []float64
}

// compareMachines refuses ranks that compute in another way than rank 0: after an update by the same gradients all must have the
// same bits.
func (r *run) compareMachines() error {
	all, err := gathered(r.ranks, rankMachine{r.Machine, r.classWeights})
	if err != nil {
		return err
	}
	for rank, m := range all {
		if different := m.Machine.Differences(all[0].Machine); len(different) > 0 {
			return otherRank(rank, different, "use the same kind of machine and the same libtorch for all ranks, or the same instruction set with DEPTHWISE_ISA and ATEN_CPU_CAPABILITY")
		}
		if !slices.Equal(m.ClassWeights, all[0].ClassWeights) {
			return otherRank(rank, []string{"the class weights are not those of rank 0"}, "give all ranks the same file")
		}
	}
	return nil
}

// broadcastState gives all ranks the parameters and running statistics of rank 0.
func (r *run) broadcastState(s *autograd.Scope) {
	if !r.ranks.several() {
		return
	}
	var list autograd.List
	for _, t := range r.network.State() {
		list = append(list, t.Tensor)
	}
	r.ranks.Process().Broadcast(s, list)
}

// sharedFolder is what the other ranks know of the folder that rank 0 has opened.
type sharedFolder struct {
	Dir, From, Config string
	Resumed, Resume   bool
	Threads           int
	Reason            string
}

// openFolder opens the run's folder on rank 0. The other ranks get what they need of it, and write nothing.
func (r *run) openFolder() (*runFolder, error) {
	var f *runFolder
	var err error
	if r.ranks.first() {
		if f, err = openRunFolder(r.config, r.usual, r.ranks.size()); err != nil {
			return nil, err
		}
	}
	if !r.ranks.several() {
		return f, nil
	}
	if f == nil {
		return r.receiveFolder()
	}
	if err := r.sendFolder(f); err != nil {
		f.discardNew()
		f.close()
		return nil, err
	}
	return f, nil
}

func (r *run) sendFolder(f *runFolder) error {
	shared := sharedFolder{Dir: f.dir, From: f.from, Config: f.config(), Resumed: f.resumed, Resume: f.resume != nil, Threads: f.threads.n, Reason: f.threads.reason}
	if err := r.ranks.share(&shared); err != nil || f.resume == nil {
		return err
	}
	content, err := f.resume.MarshalBinary()
	if err == nil {
		_, err = r.ranks.Broadcast(content)
	}
	return err
}

func (r *run) receiveFolder() (*runFolder, error) {
	var shared sharedFolder
	if err := r.ranks.share(&shared); err != nil {
		return nil, err
	}
	f := &runFolder{elsewhere: true, unlock: func() {}, dir: shared.Dir, from: shared.From, configText: []byte(shared.Config), resumed: shared.Resumed,
		store: checkpoints.Store{Dir: filepath.Join(shared.Dir, weights.CheckpointFolder)}, threads: threads{shared.Threads, shared.Reason}}
	if !shared.Resume {
		return f, nil
	}
	content, err := r.ranks.Broadcast(nil)
	if err != nil {
		return nil, err
	}
	f.resume = &checkpoints.File{}
	if err := f.resume.UnmarshalBinary(content); err != nil {
		return nil, fmt.Errorf("train: the checkpoint %s, as rank 0 has sent it: %w", shared.From, err)
	}
	return f, nil
}
