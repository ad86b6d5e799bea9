package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/data/remote"
)

// gcsServer serves bucket "images" as the JSON API of Google Cloud Storage does.
type gcsServer struct {
	objects  map[string]string
	token    string // that requests must carry; empty: requests must carry none
	pageSize int    // objects in a page of a listing
	pages    int    // served so far
}

func (s *gcsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, s.token)
		return
	}
	fail := func(code int, reason string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error": {"code": %d, "message": %q}}`, code, reason)
	}
	want := ""
	if s.token != "" {
		want = "Bearer " + s.token
	}
	if r.Header.Get("Authorization") != want {
		fail(http.StatusUnauthorized, "Anonymous caller does not have storage.objects.get access")
		return
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/storage/v1/b/images/o")
	if !ok {
		fail(http.StatusNotFound, "The specified bucket does not exist.")
		return
	}
	if path == "" {
		s.list(w, r.URL.Query())
		return
	}
	name, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	content, ok := s.objects[name]
	switch {
	case err != nil || strings.Contains(path[1:], "/"):
		fail(http.StatusBadRequest, "the name of the object is not escaped")
	case name == "photos/forbidden":
		fail(http.StatusForbidden, "no access")
	case name == "photos/busy":
		fail(http.StatusServiceUnavailable, "busy")
	case !ok:
		fail(http.StatusNotFound, "No such object: images/"+name)
	case r.URL.Query().Get("alt") == "media":
		w.Header().Set("X-Goog-Generation", "17")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content)) // which knows ranges
	default:
		fmt.Fprintf(w, `{"size": "%d", "generation": "17"}`, len(content))
	}
}

func (s *gcsServer) list(w http.ResponseWriter, query url.Values) {
	s.pages++
	var page struct {
		Items         []map[string]string `json:"items"`
		NextPageToken string              `json:"nextPageToken,omitempty"`
	}
	var names []string
	for name := range s.objects {
		if strings.HasPrefix(name, query.Get("prefix")) && name > query.Get("pageToken") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), s.pageSize)] {
		page.Items = append(page.Items, map[string]string{"name": name})
	}
	if len(names) > s.pageSize {
		page.NextPageToken = names[s.pageSize-1]
	}
	json.NewEncoder(w).Encode(page)
}

// gcs returns a server with dir's files in folder "photos" of the bucket.
func gcs(t *testing.T, dir string) *gcsServer {
	t.Helper()
	s := &gcsServer{objects: map[string]string{}, pageSize: 3}
	for _, name := range names(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.objects["photos/"+name] = string(content)
	}
	return s
}

// noGoogleCredentials hides the credentials of the machine that runs the test.
func noGoogleCredentials(t *testing.T) {
	t.Helper()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
}

// serviceAccount writes the key of a service account whose tokens come from a server.
func serviceAccount(t *testing.T, server string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "trainer@example.com", "private_key_id": "1", "token_uri": server + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	path := filepath.Join(t.TempDir(), "key.json")
	if err := errors.Join(err, os.WriteFile(path, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGCS(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part %d#?.tar", i)), bytes.Repeat([]byte{byte('0' + i)}, 10+i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, token string
		account     bool   // there are credentials
		query       string // "SERVER" stands for the server's address
		emulator    bool   // STORAGE_EMULATOR_HOST is set
	}{
		{"emulator", "", true, "", true},
		{"anonymous by parameter", "", true, "?anonymous=true&endpoint=SERVER", false},
		{"anonymous as gocloud.dev names it", "", true, "?access_id=-&endpoint=SERVER", false},
		{"credentials", "secret", true, "?endpoint=SERVER", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			noGoogleCredentials(t)
			fake := gcs(t, dir)
			fake.token = c.token
			server := httptest.NewServer(fake)
			defer server.Close()
			if c.account {
				t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, server.URL))
			}
			if c.emulator {
				t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
			}
			query := strings.ReplaceAll(c.query, "SERVER", server.URL)
			opener := remote.New()
			defer opener.Close()

			list, err := opener.List(t.Context(), "gs://images/photos"+query)
			if err != nil || len(list) != 5 || list[4] != "part 4#?.tar" || fake.pages != 2 {
				t.Fatalf("%q in %d pages, %v", list, fake.pages, err)
			}
			fake.objects["photos/part"] = "0123456789"
			address := "gs://images/photos/part" + query
			object, err := opener.Stat(t.Context(), address)
			if err != nil || object.Size != 10 || object.Version != "17" {
				t.Errorf("%+v, %v", object, err)
			}
			for offset := range int64(10) {
				body, object, err := opener.Open(t.Context(), address, offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(body)
				body.Close()
				if want := "0123456789"[offset:]; string(got) != want || err != nil || object.Size != 10 || object.Version != "17" {
					t.Errorf("from %d on: %q, %+v, %v", offset, got, object, err)
				}
			}
		})
	}
}

func TestGCSErrors(t *testing.T) {
	noGoogleCredentials(t)
	private := &gcsServer{token: "secret"}
	closed := httptest.NewServer(private)
	defer closed.Close()
	open := httptest.NewServer(&gcsServer{})
	defer open.Close()
	for _, c := range []struct {
		name, address string
		is            error // nil: a retry may succeed
		text          string
	}{
		{"no object", "gs://images/photos/missing?anonymous=true&endpoint=" + open.URL, fs.ErrNotExist, "No such object: images/photos/missing"},
		{"no bucket", "gs://other/photos?anonymous=true&endpoint=" + open.URL, fs.ErrNotExist, "bucket does not exist"},
		{"forbidden", "gs://images/photos/forbidden?anonymous=true&endpoint=" + open.URL, fs.ErrPermission, "gcloud auth"},
		{"busy", "gs://images/photos/busy?anonymous=true&endpoint=" + open.URL, nil, "503"},
		{"no credentials", "gs://images/photos/x?anonymous=true&endpoint=" + closed.URL, fs.ErrPermission, "gcloud auth"},
		{"unknown parameter", "gs://images/photos?region=eu", fs.ErrPermission, `unknown parameter "region"; use endpoint, anonymous`},
		{"bad bool", "gs://images/photos?anonymous=perhaps", fs.ErrPermission, "neither true nor false"},
		{"bad endpoint", "gs://images/photos?endpoint=ftp://host", fs.ErrPermission, "is not a server such as"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opener := remote.New()
			defer opener.Close()
			_, err := opener.Stat(t.Context(), c.address)
			permanent := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
			if err == nil || permanent != (c.is != nil) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRefusedToken: credentials that the token server refuses are named, and not tried again.
func TestRefusedToken(t *testing.T) {
	noGoogleCredentials(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error": "invalid_grant"}`)
	}))
	defer server.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, server.URL))
	opener := remote.New()
	defer opener.Close()
	_, err := opener.Stat(t.Context(), "gs://images/x?endpoint="+server.URL)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "GOOGLE_APPLICATION_CREDENTIALS") {
		t.Errorf("error %v", err)
	}
}

func TestMissingCredentialsFileIsNamed(t *testing.T) {
	noGoogleCredentials(t)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	opener := remote.New()
	defer opener.Close()
	_, err := opener.Stat(context.Background(), "gs://images/x")
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "missing.json") {
		t.Errorf("error %v", err)
	}
}
