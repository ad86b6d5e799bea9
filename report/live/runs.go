package live

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report/page"
	"depthwise.dev/report/runs"
)

// Runs serves the list of the runs in a folder, and their reports, from their files.
type Runs struct {
	dir      string
	commands func(page.Data) []string
	reports  reports

	mu     sync.Mutex
	list   []runs.Run
	broken []error
	err    error
	until  time.Time // the list is read again after this
}

// NewRuns serves the runs at or below a folder. commands returns the commands that may follow a run; nil: none are shown.
func NewRuns(dir string, commands func(page.Data) []string) *Runs {
	return &Runs{dir: dir, commands: commands, reports: reports{rest: rest, live: page.Live{Back: "/", Interval: lookSeconds}}}
}

// Handler answers all requests, which the caller guards.
func (s *Runs) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /runs/{name...}", s.report)
	mux.HandleFunc("GET /api/runs", s.api)
	mux.HandleFunc("GET /healthz", healthz)
	return mux
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}

// rest is how many times as long as reading took nothing is read again: many clients then take at most 5 % of a core.
const rest = 20

// lookSeconds is how often a page looks for changes.
const lookSeconds = 5

// read returns the runs. Requests at the same time share what was read.
func (s *Runs) read() ([]runs.Run, []error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	if began.Before(s.until) {
		return s.list, s.broken, s.err
	}
	s.list, s.broken, s.err = runs.List(s.dir)
	if s.list == nil {
		s.list = []runs.Run{} // [] in JSON
	}
	s.until = time.Now().Add(max(time.Second, rest*time.Since(began)))
	return s.list, s.broken, s.err
}

func (s *Runs) index(w http.ResponseWriter, r *http.Request) {
	list, broken, err := s.read()
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	text, err := indexPage(s.dir, list, broken, time.Now())
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	writePage(w, r, tag(text))
}

func (s *Runs) api(w http.ResponseWriter, _ *http.Request) {
	list, broken, err := s.read()
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	problems := []string{}
	for _, b := range broken {
		problems = append(problems, b.Error())
	}
	writeJSON(w, http.StatusOK, struct {
		Runs     []runs.Run `json:"runs"`
		Problems []string   `json:"problems"`
	}{list, problems})
}

// report is the page of a run. Its name must be one of the list: no other folder is read.
func (s *Runs) report(w http.ResponseWriter, r *http.Request) {
	list, _, err := s.read()
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	for _, run := range list {
		if nameIn(s.dir, run.Dir) != r.PathValue("name") {
			continue
		}
		text, err := s.reports.page(run.Dir, s.commands)
		if err != nil {
			webaccess.Fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		writePage(w, r, text)
		return
	}
	webaccess.Fail(w, http.StatusNotFound, fmt.Sprintf("there is no run %q; / lists them", r.PathValue("name")))
}

// nameIn is the path of a run below the folder that is listed; of the folder itself "."
func nameIn(dir, run string) string {
	name, err := filepath.Rel(dir, run)
	if err != nil {
		return filepath.ToSlash(run)
	}
	if name == "." {
		return "self" // browsers remove . from paths
	}
	return filepath.ToSlash(name)
}

// link is the address of a run's page.
func link(dir, run string) string {
	parts := strings.Split(nameIn(dir, run), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/runs/" + strings.Join(parts, "/")
}
