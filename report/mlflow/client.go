package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"depthwise.dev/internal/redact"
)

// Environment variables, as MLflow's own clients have them.
const (
	EnvironmentURI        = "MLFLOW_TRACKING_URI"
	EnvironmentUsername   = "MLFLOW_TRACKING_USERNAME"
	EnvironmentPassword   = "MLFLOW_TRACKING_PASSWORD"
	EnvironmentToken      = "MLFLOW_TRACKING_TOKEN"
	EnvironmentExperiment = "MLFLOW_EXPERIMENT_NAME"
	EnvironmentRun        = "MLFLOW_RUN_NAME"
)

// requestTime bounds a request, without those of files.
const requestTime = 10 * time.Second

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 16 << 20

// client talks to a server.
type client struct {
	base    string
	prepare func(*http.Request) // adds the authorization
}

// newClient returns the client of an address. Only servers can be written to.
func newClient(address string, getenv func(string) string) (*client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s is %q, and this program writes to servers alone: start one with mlflow server --port 5000, with --backend-store-uri for an existing folder or database, and set %s=http://127.0.0.1:5000, or unset the variable",
			EnvironmentURI, redact.Address(address), EnvironmentURI)
	}
	c := &client{base: strings.TrimRight(address, "/"), prepare: func(*http.Request) {}}
	user, token := getenv(EnvironmentUsername), getenv(EnvironmentToken)
	switch {
	case user != "":
		c.prepare = func(r *http.Request) { r.SetBasicAuth(user, getenv(EnvironmentPassword)) }
	case token != "":
		c.prepare = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	return c, nil
}

// answerError is an answer other than success.
type answerError struct {
	status  int
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

func (e *answerError) Error() string {
	text := strings.TrimSpace(e.Code + " " + e.Message)
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += fmt.Sprintf(" (set %s and %s, or %s)", EnvironmentUsername, EnvironmentPassword, EnvironmentToken)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s", e.status, http.StatusText(e.status), text))
}

// missing reports whether the server does not know what was asked for.
func missing(err error) bool {
	e, ok := errors.AsType[*answerError](err)
	return ok && (e.status == http.StatusNotFound || e.Code == "RESOURCE_DOES_NOT_EXIST")
}

// temporary reports whether the same request may succeed later.
func temporary(err error) bool {
	e, ok := errors.AsType[*answerError](err)
	return !ok || e.status >= 500 || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout
}

// call calls a method of the API with in as JSON (nil: a GET) and decodes the answer into out.
func (c *client) call(ctx context.Context, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	method, body := http.MethodGet, []byte(nil)
	if in != nil {
		var err error
		if method = http.MethodPost; err == nil {
			body, err = json.Marshal(in)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	answer, err := c.send(ctx, method, "/api/2.0/mlflow/"+path, bytes.NewReader(body), int64(len(body)), "application/json")
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: the answer is not that of MLflow: %w", path, err)
	}
	return nil
}

// upload puts a file into the server's store of artifacts.
func (c *client) upload(ctx context.Context, path, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: the error carries no information
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = c.send(ctx, http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/"+path, f, info.Size(), "application/octet-stream")
	return err
}

func (c *client) send(ctx context.Context, method, path string, body io.Reader, size int64, kind string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, errors.New(redact.Text(err.Error()))
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", kind)
	c.prepare(r)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok { // its text has the address, which may have a password
			err = e.Err
		}
		return nil, fmt.Errorf("%s: %w", r.URL.Host, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode/100 != 2 {
		e := &answerError{status: answer.StatusCode}
		if json.Unmarshal(text, e) != nil {
			e.Message = redact.Text(string(text[:min(len(text), 200)]))
		}
		return nil, e
	}
	return text, err
}
