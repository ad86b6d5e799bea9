package hub

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// childName makes the test program resolve a name instead of running tests. Proxies and certificates are read from the
// environment once a process, and two processes need two.
const childName = "HUB_TEST_RESOLVE"

func TestMain(m *testing.M) {
	name := os.Getenv(childName)
	if name == "" {
		os.Exit(m.Run())
	}
	file, _, err := resolve(context.Background(), name, Options{}, quick)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(file)
}

// child runs this program for a name, with further variables.
func (s *site) child(t *testing.T, name string, env ...string) (stdout, stderr string, err error) {
	t.Helper()
	s.mu.Lock() // what the test has set happens before what the servers do for another process
	s.mu.Unlock()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(append(os.Environ(), childName+"="+name), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// TestTwoProcesses: of two processes that want the same file at once, one downloads it.
func TestTwoProcesses(t *testing.T) {
	s := newSite(t)
	delete(s.files, "config.json")
	started, release := make(chan bool, 2), make(chan bool)
	s.content = func(http.ResponseWriter, *http.Request) bool {
		started <- true
		<-release
		return false
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			file, stderr, err := s.child(t, "org/net")
			if got, _ := os.ReadFile(file); err != nil || !bytes.Equal(got, s.model()) {
				t.Errorf("%s: %d bytes, %v: %s", file, len(got), err, stderr)
			}
		})
	}
	ended := make(chan bool)
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-started:
	case <-ended: // both failed
	}
	for waiting := true; waiting && s.count("hub /api/") < 2; { // then the other one is about to wait for the lock
		select {
		case <-ended:
			waiting = false
		case <-time.After(time.Millisecond):
		}
	}
	close(release)
	<-ended
	if n := s.count("cdn"); n != 1 {
		t.Errorf("%d downloads", n)
	}
}

// count returns the number of requests that began with a text.
func (s *site) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// TestProxy: requests go through the proxy of the environment, for http and for https, with its password and without
// it in messages.
func TestProxy(t *testing.T) {
	for _, c := range []struct {
		name, scheme, user string // user: what the proxy requires
		env                string // format with the proxy's host
		want               string // part of the error
	}{
		{"http", "http", "", "HTTP_PROXY=http://%s", ""},
		{"https", "https", "", "HTTPS_PROXY=http://%s", ""},
		{"lower case", "https", "", "https_proxy=http://%s", ""},
		{"with a password", "https", "me:PASSWORD", "HTTPS_PROXY=http://me:PASSWORD@%s", ""},
		{"without the password", "https", "me:PASSWORD", "HTTPS_PROXY=http://%s", "through the proxy"},
		{"wrong password", "https", "me:PASSWORD", "HTTPS_PROXY=http://me:WRONG@%s", "through the proxy"},
		{"password missing, http", "http", "me:PASSWORD", "HTTP_PROXY=http://%s", "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT"},
		{"no proxy there", "https", "", "HTTPS_PROXY=http://127.0.0.1:1%.0s", "through the proxy http://127.0.0.1:1: no connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.files = map[string][]byte{"model.safetensors": payload(900)} // small: not redirected
			target := s.hub
			if c.scheme == "https" {
				target = httptest.NewTLSServer(http.HandlerFunc(s.serveHub))
				t.Cleanup(target.Close)
			}
			proxy := newProxy(t, target.Listener.Addr().String(), c.user)
			env := []string{"HF_ENDPOINT=" + c.scheme + "://example.com", fmt.Sprintf(c.env, proxy.Listener.Addr())}
			if c.scheme == "https" {
				env = append(env, "SSL_CERT_FILE="+certificate(t, target))
			}
			file, stderr, err := s.child(t, "org/net", env...)
			if c.want != "" {
				if err == nil || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "PASSWORD@") && !strings.Contains(stderr, "USER:PASSWORD@") || strings.Contains(stderr, "WRONG") {
					t.Errorf("%v: %s", err, stderr)
				}
				return
			}
			if got, _ := os.ReadFile(file); err != nil || !bytes.Equal(got, s.model()) {
				t.Errorf("%s: %d bytes, %v: %s", file, len(got), err, stderr)
			}
		})
	}
}

// TestUnknownCertificate: a server whose certificate nobody signed is refused.
func TestUnknownCertificate(t *testing.T) {
	s := newSite(t)
	target := httptest.NewUnstartedServer(http.HandlerFunc(s.serveHub))
	target.Config.ErrorLog = log.New(io.Discard, "", 0)
	target.StartTLS()
	t.Cleanup(target.Close)
	t.Setenv("HF_ENDPOINT", target.URL)
	if _, _, err := resolve(t.Context(), "org/net", Options{}, quick); err == nil || !strings.Contains(err.Error(), "set SSL_CERT_FILE") {
		t.Errorf("error %v", err)
	}
}

// newProxy starts a proxy that sends every request to one address.
func newProxy(t *testing.T, to, user string) *httptest.Server {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		if user != "" && name+":"+password != user {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			forward(w, r, to)
			return
		}
		tunnel(w, to)
	}))
	t.Cleanup(proxy.Close)
	return proxy
}

func forward(w http.ResponseWriter, r *http.Request, to string) {
	r.URL.Host, r.RequestURI = to, ""
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	for key, values := range answer.Header {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.StatusCode)
	io.Copy(w, answer.Body)
}

// tunnel connects the client with an address, for CONNECT.
func tunnel(w http.ResponseWriter, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		server.Close()
		return
	}
	go func() {
		defer server.Close()
		io.Copy(server, client)
	}()
	defer client.Close()
	io.Copy(client, server)
}

// certificate writes that of a server to a file.
func certificate(t *testing.T, s *httptest.Server) string {
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	return file
}
