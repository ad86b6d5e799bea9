package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"depthwise.dev/checkpoints"
)

// Answer is what a client's script prints, with the logits that it wrote.
type Answer struct {
	Client  string   `json:"client"`
	Version string   `json:"version"`
	Classes []string `json:"classes"` // nil: the client's format has no place for them
	Note    string   `json:"note"`    // what else was checked, such as "onnx.checker full check passed"
	// Probabilities: the model ends with softmax, and Logits are the logarithms of its results.
	Probabilities bool      `json:"probabilities"`
	Logits        []float32 `json:"-"` // (N, classes)
	Shape         []int     `json:"-"`
}

// Client runs a script clients/client_NAME.py. One process runs it as often as necessary, because importing the client's
// packages takes longer than most models.
type Client struct {
	Name   string
	Python string
	Dir    string // the folder of the scripts

	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  lockedTail
	cancel  context.CancelFunc
}

// lockedTail is read while the process may still write.
type lockedTail struct {
	mutex sync.Mutex
	tail
}

func (t *lockedTail) Write(b []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.tail.Write(b)
}

func (t *lockedTail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.tail.String()
}

// quiet are the environment variables that keep clients from the network and from devices, and their logs short.
var quiet = []string{"HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "CUDA_VISIBLE_DEVICES=", "TF_CPP_MIN_LOG_LEVEL=3",
	"KERAS_BACKEND=tensorflow", "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8"}

// Run computes a model's logits of an input file. After the end of ctx, and after a crash, the next call starts another
// process.
func (c *Client) Run(ctx context.Context, model, input, output string) (Answer, error) {
	script := filepath.Join(c.Dir, "client_"+c.Name+".py")
	if _, err := os.Stat(script); err != nil {
		return Answer{}, fmt.Errorf("interop: client %s: %w", c.Name, err)
	}
	if err := c.start(script); err != nil {
		return Answer{}, fmt.Errorf("interop: client %s: %w", c.Name, err)
	}
	text, err := c.call(ctx, []string{model, input, output})
	if err != nil {
		return Answer{}, fmt.Errorf("interop: client %s: %w", c.Name, err)
	}
	a, err := readAnswer(text, output)
	if err != nil {
		return Answer{}, fmt.Errorf("interop: client %s: %w", c.Name, err)
	}
	return a, nil
}

// start starts the process if none runs.
func (c *Client) start(script string) error {
	if c.process != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, c.Python, filepath.Join(c.Dir, "worker.py"), script)
	cmd.Env = append(os.Environ(), quiet...)
	ownGroup(cmd)
	c.errors = lockedTail{}
	cmd.Stderr = &c.errors
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		cancel()
		return err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	c.process, c.in, c.out, c.cancel = cmd, in, bufio.NewReader(out), cancel
	return nil
}

// Close ends the process.
func (c *Client) Close() {
	if c.process == nil {
		return
	}
	c.in.Close()
	c.cancel()
	c.process.Wait() // killed: its exit code says nothing
	c.process = nil
}

// call sends the arguments of a run to worker.py and returns what the script printed.
func (c *Client) call(ctx context.Context, arguments []string) (string, error) {
	request, err := json.Marshal(arguments)
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, c.cancel)
	defer stop()
	_, errWrite := c.in.Write(append(request, '\n'))
	line, errRead := c.out.ReadBytes('\n')
	if err := errors.Join(errWrite, errRead); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return "", fmt.Errorf("no result: %w", context.Cause(ctx))
		}
		return "", fmt.Errorf("its process ended: %w\n%s", err, c.errors.String())
	}
	var reply struct{ Output, Error string }
	if err := json.Unmarshal(line, &reply); err != nil {
		return "", fmt.Errorf("worker.py: %w", err)
	}
	if reply.Error != "" {
		return "", errors.New(strings.TrimSpace(reply.Error))
	}
	return reply.Output, nil
}

// readAnswer reads the JSON object in a script's last line and the logits.
func readAnswer(text, output string) (Answer, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	var a Answer
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &a); err != nil {
		return a, fmt.Errorf("its last line is not JSON: %w: %q", err, lines[len(lines)-1])
	}
	d, err := checkpoints.ReadNPY(output)
	if err != nil {
		return a, err
	}
	a.Shape = d.Shape()
	a.Logits, err = checkpoints.Values[float32](checkpoints.Array{Name: output, Data: d})
	return a, err
}
