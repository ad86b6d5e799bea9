package checkpoints

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// saveLoopDir makes the test binary save checkpoints in that folder until it is killed.
const saveLoopDir = "DEPTHWISE_TEST_SAVE_LOOP"

func TestMain(m *testing.M) {
	if dir := os.Getenv(saveLoopDir); dir != "" {
		fmt.Println(saveLoop(Store{Dir: dir, Keep: 2}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func saveLoop(s Store) error {
	release, err := Lock(s.Dir)
	if err != nil {
		return err
	}
	defer release()
	first := int64(0)
	switch _, f, _, err := s.Latest(); {
	case err == nil:
		if first, err = strconv.ParseInt(f.Meta["step"], 10, 64); err != nil {
			return err
		}
	case !errors.Is(err, ErrNone):
		return err
	}
	for step := first + 1; ; step++ {
		if _, err := s.Save(step, loopFile(step)); err != nil {
			return err
		}
		fmt.Println(step)
	}
}

// loopFile has 1 MB, all of one value: a mixture of two files would show even without the digest.
func loopFile(step int64) File {
	values := make([]float32, 1<<18)
	for i := range values {
		values[i] = float32(step)
	}
	a, _ := NewArray("w", values, len(values))
	return File{Arrays: []Array{a}, Meta: map[string]string{"step": fmt.Sprint(step)}}
}

// A killed process leaves a newest file that is whole, the last that it reported or the one after
// it.
func TestKilledWhileSaving(t *testing.T) {
	const kills = 20
	dir := t.TempDir()
	s := Store{Dir: dir, Keep: 2}
	rng := rand.New(rand.NewPCG(1, 2))
	for kill := range kills {
		reported := saveAndKill(t, dir, 3+rng.IntN(3), time.Duration(rng.IntN(8000))*time.Microsecond)
		_, f, passed, err := s.Latest()
		if err != nil || len(passed) != 0 {
			t.Fatalf("kill %d: %v, passed over %v", kill, err, passed)
		}
		step, err := strconv.ParseInt(f.Meta["step"], 10, 64)
		if err != nil || step < reported || step > reported+1 {
			t.Fatalf("kill %d: the newest file is of step %d, reported was %d (%v)", kill, step, reported, err)
		}
		sameFile(t, f, loopFile(step))
	}
	save(t, s, 1000000)
	for _, name := range names(t, dir) {
		if strings.Contains(name, ".tmp-") {
			t.Errorf("%s is still there", name)
		}
	}
}

// saveAndKill runs the loop until it has reported the given number of saves, waits briefly and
// kills it. It returns the last step reported.
func saveAndKill(t *testing.T, dir string, saves int, wait time.Duration) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), saveLoopDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	last := int64(-1)
	read := func() bool {
		if !lines.Scan() {
			return false
		}
		step, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the loop says: %s", lines.Text())
		}
		last = step
		return true
	}
	for range saves {
		if !read() {
			t.Fatal("the loop ended on its own")
		}
	}
	time.Sleep(wait)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for read() {
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the loop ended on its own")
	}
	return last
}
