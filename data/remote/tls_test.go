package remote

import (
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// addressOfChild is set for a process that TestCertificateFile starts.
const addressOfChild = "DEPTHWISE_TEST_ADDRESS"

// quietTLS starts a server that does not log the handshakes that clients refuse.
func quietTLS(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

// TestCertificateFile: servers with a certificate of their own are used where SSL_CERT_FILE names it. The
// system's certificates are read once, so each case is a process.
func TestCertificateFile(t *testing.T) {
	if address := os.Getenv(addressOfChild); address != "" {
		o := newOpener(standard)
		defer o.Close()
		body, object, err := o.Open(t.Context(), address, 0)
		if err != nil || object.Size != int64(len(content)) {
			t.Fatalf("%+v, %v", object, err)
		}
		defer body.Close()
		if text, err := io.ReadAll(body); string(text) != content || err != nil {
			t.Fatalf("%q, %v", text, err)
		}
		return
	}
	server := quietTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Goog-Generation", "1")
		http.ServeContent(w, r, "x.tar", time.Unix(1793613600, 0), strings.NewReader(content))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "server.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, address string }{
		{"https", server.URL + "/x.tar"},
		{"s3", "s3://bucket/x.tar?region=x-1&anonymous=true&use_path_style=true&endpoint=" + server.URL},
		{"gs", "gs://bucket/x.tar?anonymous=true&endpoint=" + server.URL},
	} {
		t.Run(c.name, func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestCertificateFile$")
			child.Env = append(os.Environ(), addressOfChild+"="+c.address, "SSL_CERT_FILE="+file)
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			o := newOpener(quick())
			defer o.Close()
			if _, err := o.Stat(t.Context(), c.address); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "SSL_CERT_FILE=FILE.pem") {
				t.Errorf("without the file: error %v", err)
			}
		})
	}
}

func TestTLSErrors(t *testing.T) {
	secure := quietTLS(typed("ETag", "1"))
	defer secure.Close()
	plain := httptest.NewServer(typed("ETag", "1"))
	defer plain.Close()
	for _, c := range []struct{ name, address, want string }{
		{"an unknown authority", secure.URL, "SSL_CERT_FILE=FILE.pem"},
		{"another host name", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), "use the host name that the certificate is for"},
		{"https at a port without TLS", strings.Replace(plain.URL, "http:", "https:", 1), "use http://"},
		{"http at a port with TLS", strings.Replace(secure.URL, "https:", "http:", 1), "400 Bad Request"},
		{"s3 at a port without TLS", "s3://bucket/x?anonymous=true&region=x&endpoint=" + strings.TrimPrefix(plain.URL, "http://"), "endpoint=http://HOST:PORT"},
		{"gs at a port without TLS", "gs://bucket/x?anonymous=true&endpoint=" + strings.TrimPrefix(plain.URL, "http://"), "endpoint=http://HOST:PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpener(quick())
			defer o.Close()
			if _, err := o.Stat(t.Context(), c.address); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that no retry fixes, with %q", err, c.want)
			}
		})
	}
}
