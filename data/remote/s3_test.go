package remote_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data/remote"
)

// recorder notes the requests of a server.
type recorder struct {
	handler http.Handler
	paths   []string
	auth    []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.paths = append(r.paths, q.Method+" "+q.Host+q.URL.Path)
	r.auth = append(r.auth, q.Header.Get("Authorization"))
	r.handler.ServeHTTP(w, q)
}

// noAWS hides the AWS configuration of the machine that runs the test.
func noAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CONFIG_FILE"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	text := "[default]\naws_access_key_id = fromfile\naws_secret_access_key = s\n[work]\naws_access_key_id = fromwork\naws_secret_access_key = s\n"
	if err := os.WriteFile(filepath.Join(home, "credentials"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestS3Configuration(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part"), []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		env    map[string]string
		query  string // "SERVER" stands for the server's address
		signed string // in the signature: KEY/DATE/REGION
	}{
		{"keys of the environment", map[string]string{"AWS_ACCESS_KEY_ID": "envkey", "AWS_SECRET_ACCESS_KEY": "s"}, "?region=eu-west-1&use_path_style=true&endpoint=SERVER", "envkey//eu-west-1"},
		{"region of the environment", map[string]string{"AWS_REGION": "eu-north-1"}, "?use_path_style=true&endpoint=SERVER", "fromfile//eu-north-1"},
		{"profile of the environment", map[string]string{"AWS_PROFILE": "work"}, "?region=x-1&s3ForcePathStyle=true&endpoint=SERVER", "fromwork//x-1"},
		{"profile of the query", map[string]string{"AWS_ACCESS_KEY_ID": "envkey", "AWS_SECRET_ACCESS_KEY": "s"}, "?profile=work&region=x-1&use_path_style=true&endpoint=SERVER", "fromwork//x-1"},
		{"endpoint of the environment", map[string]string{"AWS_ENDPOINT_URL": "SERVER"}, "?region=x-1&use_path_style=true&awssdk=v2", "fromfile//x-1"},
		{"endpoint without a scheme", nil, "?region=x-1&use_path_style=true&disable_https=true&endpoint=HOST", "fromfile//x-1"},
		{"anonymous", nil, "?anonymous=true&region=x-1&use_path_style=true&endpoint=SERVER", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := s3(t, dir).handler
			noAWS(t)
			log := &recorder{handler: handler}
			server := httptest.NewServer(log)
			defer server.Close()
			fill := strings.NewReplacer("SERVER", server.URL, "HOST", strings.TrimPrefix(server.URL, "http://")).Replace
			for name, value := range c.env {
				t.Setenv(name, fill(value))
			}
			opener := remote.New()
			defer opener.Close()
			address := "s3://images/photos/part" + fill(c.query)
			object, err := opener.Stat(t.Context(), address)
			if err != nil || object.Size != 10 || !strings.HasPrefix(object.Version, "1793613600 ") {
				t.Errorf("%+v, %v", object, err)
			}
			body, object, err := opener.Open(t.Context(), address, 4)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if got, err := io.ReadAll(body); string(got) != "456789" || err != nil || object.Size != 10 || !strings.HasPrefix(object.Version, "1793613600 ") {
				t.Errorf("%q, %+v, %v", got, object, err)
			}
			if want := "HEAD " + strings.TrimPrefix(server.URL, "http://") + "/images/photos/part"; !slices.Contains(log.paths, want) {
				t.Errorf("requests %q, want %q", log.paths, want)
			}
			for _, auth := range log.auth {
				key, scope, _ := strings.Cut(strings.TrimPrefix(auth, "AWS4-HMAC-SHA256 Credential="), "/")
				if _, region, _ := strings.Cut(scope, "/"); c.signed == "" && auth != "" ||
					c.signed != "" && !strings.HasPrefix(key+"//"+region, c.signed+"/") {
					t.Errorf("signature %q, want %q", auth, c.signed)
				}
			}
		})
	}
}

func TestS3Errors(t *testing.T) {
	handler := s3(t, t.TempDir()).handler
	noAWS(t)
	server := httptest.NewServer(handler)
	defer server.Close()
	forbidding := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer forbidding.Close()
	at := func(server string) string { return "?region=x-1&use_path_style=true&endpoint=" + server }
	for _, c := range []struct {
		name, address string
		is            error
		text          string
	}{
		{"no object", "s3://images/missing" + at(server.URL), fs.ErrNotExist, "s3://images/missing"},
		{"no bucket", "s3://other/x" + at(server.URL), fs.ErrNotExist, "s3://other/x"},
		{"forbidden", "s3://images/x" + at(forbidding.URL), fs.ErrPermission, "AWS_ACCESS_KEY_ID"},
		{"no such profile", "s3://images/x" + at(server.URL) + "&profile=none", fs.ErrPermission, `profile "none"`},
		{"unknown parameter", "s3://images/x?regoin=x", fs.ErrPermission, `unknown parameter "regoin"`},
		{"role", "s3://images/x?role=arn:aws:iam::1:role/r", fs.ErrPermission, `unknown parameter "role"`},
		{"bad bool", "s3://images/x?anonymous=perhaps", fs.ErrPermission, "neither true nor false"},
		{"bad query", "s3://images/x?a=%zz", fs.ErrPermission, "%zz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opener := remote.New()
			defer opener.Close()
			if _, err := opener.Stat(t.Context(), c.address); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v", err)
			}
		})
	}
}
