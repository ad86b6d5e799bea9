package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"depthwise.dev/data/shards"
)

// gcsBucket is a bucket of Google Cloud Storage, read through its JSON API:
// https://cloud.google.com/storage/docs/json_api/v1
type gcsBucket struct {
	client *http.Client // adds the credentials
	server *url.URL
	name   string
}

const readOnlyScope = "https://www.googleapis.com/auth/devstorage.read_only"

var (
	gcsParameters = []string{"endpoint", "anonymous"}
	gcsIgnored    = []string{"access_id", "private_key_path"} // concern signed URLs; access_id=- means anonymous
)

func openGCS(ctx context.Context, name string, query url.Values, transport http.RoundTripper) (bucket, error) {
	q := newOptions(query, gcsParameters, gcsIgnored)
	anonymous := q.bool("anonymous") || query.Get("access_id") == "-"
	emulator := os.Getenv("STORAGE_EMULATOR_HOST")
	server := &url.URL{Scheme: "https", Host: "storage.googleapis.com"}
	switch endpoint := query.Get("endpoint"); {
	case endpoint != "":
		server = q.endpoint(endpoint, "https")
	case emulator != "":
		server, anonymous = q.endpoint(emulator, "http"), true
	}
	if q.err != nil {
		return nil, q.err
	}
	client := &http.Client{Transport: transport, CheckRedirect: checkRedirect(true)}
	if !anonymous {
		// Tokens are refreshed for as long as the bucket is in use, so without the limits of ctx.
		ctx := context.WithValue(withoutBudget(context.WithoutCancel(ctx)), oauth2.HTTPClient, client)
		found, err := google.FindDefaultCredentials(ctx, readOnlyScope)
		switch {
		case err == nil:
			client = oauth2.NewClient(ctx, oauth2.ReuseTokenSource(nil, boundedTokens{found.TokenSource, tokenTime}))
		case !strings.Contains(err.Error(), "could not find default credentials"): // the package has no error value for this
			return nil, fmt.Errorf("Google's application default credentials: %w", err)
		}
	}
	client.CheckRedirect = checkRedirect(true) // oauth2's transport adds the token to every request
	return &gcsBucket{client, server, name}, nil
}

// tokenTime bounds the wait for a token. Machines of Google Cloud get it from a metadata server, whose
// client is not ours.
const tokenTime = 30 * time.Second

// boundedTokens is a source whose tokens arrive in time or not at all.
type boundedTokens struct {
	source oauth2.TokenSource
	most   time.Duration
}

func (b boundedTokens) Token() (*oauth2.Token, error) {
	type answer struct {
		token *oauth2.Token
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		token, err := b.source.Token()
		answers <- answer{token, err}
	}()
	select {
	case a := <-answers:
		return a.token, a.err
	case <-time.After(b.most):
		return nil, &timeout{fmt.Sprintf("Google's credentials: no token within %v", b.most)}
	}
}

// object returns the URL of an object, whose name is one path element.
func (b *gcsBucket) object(key string) string {
	return b.bucketURL() + "/o/" + url.PathEscape(key)
}

func (b *gcsBucket) bucketURL() string {
	return b.server.String() + "/storage/v1/b/" + url.PathEscape(b.name)
}

func (b *gcsBucket) stat(ctx context.Context, key string) (shards.Object, error) {
	var answer struct{ Size, Generation string }
	err := b.get(ctx, key, b.object(key)+"?fields=size,generation", &answer)
	if err != nil {
		return shards.Object{}, err
	}
	size, err := strconv.ParseInt(answer.Size, 10, 64)
	if err != nil || size < 0 {
		return shards.Object{}, fmt.Errorf("remote: gs://%s/%s: the server returned the size %q (%w)", b.name, key, clean(answer.Size), fs.ErrPermission)
	}
	return shards.Object{Size: size, Version: answer.Generation}, nil
}

func (b *gcsBucket) open(ctx context.Context, key string, offset int64) (io.ReadCloser, shards.Object, error) {
	header := http.Header{}
	header.Set("Accept-Encoding", "gzip") // otherwise the server decompresses what was stored as gzip, and ignores ranges
	setRange(header, offset)
	r, err := b.do(ctx, key, b.object(key)+"?alt=media", header)
	if err != nil {
		return nil, shards.Object{}, err
	}
	object, err := startAt(r, key, offset)
	if err != nil {
		r.Body.Close()
		return nil, object, fmt.Errorf("remote: gs://%s/%s: %w", b.name, key, err)
	}
	object.Version = r.Header.Get("X-Goog-Generation")
	return r.Body, object, nil
}

func (b *gcsBucket) list(ctx context.Context, prefix string, add func(key string) error) error {
	query := url.Values{"prefix": {prefix}, "fields": {"items(name),nextPageToken"}}
	for {
		var page struct {
			Items         []struct{ Name string }
			NextPageToken string
		}
		if err := b.get(ctx, prefix, b.bucketURL()+"/o?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := add(item.Name); err != nil {
				return fmt.Errorf("remote: gs://%s/%s: %w", b.name, prefix, err)
			}
		}
		if page.NextPageToken == "" {
			return nil
		}
		query.Set("pageToken", page.NextPageToken)
	}
}

// get decodes a JSON response. The key is for errors.
func (b *gcsBucket) get(ctx context.Context, key, address string, answer any) error {
	r, err := b.do(ctx, key, address, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(answer); err != nil {
		return fmt.Errorf("remote: gs://%s/%s: %w", b.name, key, err)
	}
	return nil
}

// do sends a request. The key is for errors.
func (b *gcsBucket) do(ctx context.Context, key, address string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("remote: gs://%s/%s: %w (%w)", b.name, key, err, fs.ErrNotExist)
	}
	if header != nil {
		request.Header = header
	}
	r, err := b.client.Do(request)
	if err != nil {
		return nil, b.tokenError(fmt.Errorf("remote: gs://%s/%s: %w", b.name, key, withoutAddress(err)))
	}
	if r.StatusCode == http.StatusOK || r.StatusCode == http.StatusPartialContent {
		return r, nil
	}
	defer r.Body.Close()
	return nil, b.statusError(key, r)
}

const gcsAdvice = "check the permissions and credentials (gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS)"

// tokenError marks refused credentials, which a retry cannot fix.
func (b *gcsBucket) tokenError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && !isTemporary(refused.Response.StatusCode) {
		return fmt.Errorf("%w; %s (%w)", err, gcsAdvice, fs.ErrPermission)
	}
	return err
}

// statusError returns what the server says of a request that failed.
func (b *gcsBucket) statusError(key string, r *http.Response) error {
	var answer struct{ Error struct{ Message string } }
	text, _ := io.ReadAll(io.LimitReader(r.Body, 4<<10)) // the status is enough if the body cannot be read
	if json.Unmarshal(text, &answer) != nil {
		answer.Error.Message = strings.TrimSpace(string(text[:min(len(text), 200)]))
	}
	reason := cmp.Or(clean(answer.Error.Message), http.StatusText(r.StatusCode))
	err := fmt.Errorf("remote: gs://%s/%s: the server returned %d: %s", b.name, key, r.StatusCode, reason)
	if r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden {
		err = fmt.Errorf("%w; %s", err, gcsAdvice)
	}
	return mark(err, r.StatusCode, r.Header)
}
