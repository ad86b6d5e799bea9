package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
)

// Headers with which Hugging Face describes a file, also in its redirect to where the content is.
const (
	headerETag   = "X-Linked-Etag"
	headerSize   = "X-Linked-Size"
	headerCommit = "X-Repo-Commit"
)

// modelInfo is what the API says about a repository: GET /api/models/ORG/NAME/revision/REVISION.
type modelInfo struct {
	Commit string `json:"sha"`
	Files  []struct {
		Name string `json:"rfilename"`
	} `json:"siblings"`
	Tags []string `json:"tags"`
	Card struct {
		License     any    `json:"license"` // a text or a list
		LicenseLink string `json:"license_link"`
	} `json:"cardData"`
}

const maxInfo = 8 << 20 // bytes; of a repository with 100 files, 10 KB

var commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (c *client) page(r repository) string { return redacted(c.endpoint.String()) + "/" + r.id() }

// info asks for the commit and the files of a revision.
func (c *client) info(ctx context.Context, r repository) (modelInfo, error) {
	address := fmt.Sprintf("%s/api/models/%s/revision/%s", c.endpoint, r.id(), r.revision)
	var info modelInfo
	err := c.repeat(ctx, func(ctx context.Context) (bool, error) {
		ctx, watch, cancel := c.watched(ctx)
		defer cancel()
		answer, err := c.get(ctx, address, http.Header{"Accept": {"application/json"}})
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return false, c.status(answer, address, c.page(r))
		}
		text, err := io.ReadAll(io.LimitReader(watch(answer.Body), maxInfo+1))
		if err != nil {
			return false, fmt.Errorf("%s: %w: %w", redacted(address), ErrUnreachable, err)
		}
		info, err = parseInfo(text)
		if err != nil {
			return false, fmt.Errorf("%s: %w", redacted(address), err)
		}
		return true, nil
	})
	return info, err
}

// parseInfo reads the answer of the API and refuses names that would leave the folder of the repository.
func parseInfo(text []byte) (modelInfo, error) {
	var info modelInfo
	if len(text) > maxInfo {
		return info, fmt.Errorf("the answer has more than %d bytes", maxInfo)
	}
	if isPage(text) {
		return info, errPage
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return info, fmt.Errorf("the answer is not that of Hugging Face (%w); does HF_ENDPOINT name a hub?", err)
	}
	if !commitPattern.MatchString(info.Commit) {
		return info, fmt.Errorf("the answer names no commit (%q); does HF_ENDPOINT name a hub?", info.Commit)
	}
	for _, f := range info.Files {
		if !validFile(f.Name) {
			return info, fmt.Errorf("the repository has a file with an invalid name: %q", f.Name)
		}
	}
	return info, nil
}

// validFile reports whether a name is that of a file below a folder.
func validFile(name string) bool {
	return filepath.IsLocal(name) && name == path.Clean(name) && !strings.Contains(name, `\`) && name != "." && printable(name) == name
}

// license returns what the repository's card states.
func (m modelInfo) license() string {
	var list []string
	switch l := m.Card.License.(type) {
	case string:
		list = append(list, l)
	case []any:
		for _, item := range l {
			list = append(list, fmt.Sprint(item))
		}
	}
	for _, tag := range m.Tags {
		if l, ok := strings.CutPrefix(tag, "license:"); ok && len(list) == 0 {
			list = append(list, l)
		}
	}
	return first(printable(strings.Join(list, ", ")), weights.LicenseNotStated)
}

// printable removes from a server's text what a terminal would obey, and shortens it.
func printable(text string) string {
	const longest = 200
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest])
	}
	return text
}

// dataset returns the data set that a repository's name states: timm ends a tag of weights trained on ImageNet-1k, or
// fine-tuned on it, with in1k. A card's list of data sets does not say which one the classes are from.
func (r repository) dataset() string {
	_, tag, _ := strings.Cut(r.name, ".")
	if parts := strings.Split(tag, "_"); r.org == "timm" && parts[len(parts)-1] == "in1k" {
		return imagenet.Dataset
	}
	return ""
}

// preferred are the usual names of weights, best first.
var preferred = []string{"model.safetensors", "pytorch_model.bin"}

// otherWeights are extensions of weights with other names, best first.
var otherWeights = []string{".safetensors", ".h5", ".keras", ".pth", ".pt", ".bin"}

// beside are files of a repository that describe its weights.
var beside = []string{"config.json", preprocessorConfig}

const preprocessorConfig = "preprocessor_config.json"

// chooseWeights returns the file of the weights among the files of a repository: the named one, one with a usual name, or
// the only one with the extension of weights.
func chooseWeights(files []string, named string) (string, error) {
	if named != "" {
		if !slices.Contains(files, named) {
			return "", fmt.Errorf("%w: it has no file %s; %s", ErrNotFound, named, suggest.OneOf(named, files))
		}
		return named, nil
	}
	for _, name := range preferred {
		if slices.Contains(files, name) {
			return name, nil
		}
	}
	for _, name := range preferred {
		if slices.Contains(files, name+".index.json") {
			return "", errors.New("its weights are in several files, which are not supported; a MobileNet's are in one")
		}
	}
	for _, extension := range otherWeights {
		var found []string
		for _, f := range files {
			if path.Ext(f) == extension {
				found = append(found, f)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return "", fmt.Errorf("it has several files of weights: name one, as hf-hub:ORG/NAME/%s: %s", found[0], strings.Join(found, ", "))
		}
	}
	return "", fmt.Errorf("%w: it has no weights; its files: %s", ErrNotFound, strings.Join(files, ", "))
}

// fetchRepository downloads the weights of a repository's revision and the files that describe them, in the folder of the
// commit. The weights come last, so that a folder with weights is complete.
func (c *client) fetchRepository(ctx context.Context, t target, damaged bool) (string, error) {
	info, err := c.info(ctx, t.repo)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range info.Files {
		names = append(names, f.Name)
	}
	file, err := chooseWeights(names, t.repo.file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.page(t.repo), err)
	}
	folder := filepath.Join(c.repositoryFolder(t.repo), info.Commit)
	for _, name := range beside {
		if slices.Contains(names, name) {
			if err := c.fetchFile(ctx, t, info, name, folder, false, nil); err != nil {
				return "", err
			}
		}
	}
	origin := c.originOf(t)
	origin.Revision = info.Commit
	if t.known == nil {
		origin.License, origin.LicenseURL = info.license(), first(printable(info.Card.LicenseLink), origin.LicenseURL)
	}
	if err := c.fetchFile(ctx, t, info, file, folder, damaged, &origin); err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.FromSlash(file)), c.writeRef(t.repo, info.Commit)
}

// fetchFile downloads a file of a commit. Weights have an origin, which their sidecar records.
func (c *client) fetchFile(ctx context.Context, t target, info modelInfo, name, folder string, damaged bool, origin *weights.Origin) error {
	to := filepath.Join(folder, filepath.FromSlash(name))
	d := download{
		address: fmt.Sprintf("%s/%s/resolve/%s/%s", c.endpoint, t.repo.id(), info.Commit, escapePath(name)), page: c.page(t.repo), path: to,
		done:     func() bool { return exists(to) && !damaged },
		describe: func(string, digest) error { return nil },
	}
	if d.done() {
		return nil
	}
	if origin != nil {
		origin.Address = redacted(d.address)
		d.describe = c.describer(t, d.path, *origin)
		d.digest = c.expected(t)
	}
	return c.fetch(ctx, d)
}
