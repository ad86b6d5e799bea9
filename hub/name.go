package hub

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/internal/suggest"
)

// Best is the name of the weights with the highest published accuracy on ImageNet for an architecture and a width.
const Best = "imagenet"

// ErrName is returned for a name that means no weights.
var ErrName = errors.New("no such weights")

// target is what a name means: a row of the table, a repository, or a repository that the table knows.
type target struct {
	name  string // as messages and origins name it
	known *Known // nil: not in the table
	repo  repository
	path  bool // the name could have been a path
}

// repository is a model repository on Hugging Face.
type repository struct {
	org, name string // "": none
	revision  string // branch, tag or commit
	file      string // of the weights; "" selects it by its name
}

func (r repository) id() string { return r.org + "/" + r.name }

const defaultRevision = "main"

// huggingFacePrefixes are other spellings of a repository's name: timm's, a URL of the site, and its own.
var huggingFacePrefixes = []string{"hf-hub:", "hf_hub:", "hf://", "https://huggingface.co/", "http://huggingface.co/", "huggingface.co/"}

// publishers are the beginnings of names that never are repositories of Hugging Face without its prefix.
var publishers = []string{"torchvision/", "keras/"}

var (
	repositoryName = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_.-]*)/([A-Za-z0-9][A-Za-z0-9_.-]*)(?:@([A-Za-z0-9][A-Za-z0-9_.-]*))?(?:/(.+))?$`)
	// sitePath is the part of a page's address after the repository's name.
	sitePath = regexp.MustCompile(`^([^/]+/[^/@]+)/(?:tree|blob|resolve|raw)/([^/]+)(/.*)?$`)
)

// weightsExtensions are those of files of weights: a/b.pth is a path, not a repository.
var weightsExtensions = []string{".safetensors", ".npz", ".npy", ".h5", ".keras", ".pth", ".pt", ".bin", ".ckpt", ".onnx", ".tflite", ".zip", ".yaml", ".json"}

// IsName reports whether a value given as weights means a name of this package. It does not if a file or folder of that
// name exists, or where it is the path of one in a folder that exists.
func IsName(value string) bool {
	if _, err := os.Lstat(value); err == nil || value == "" {
		return false
	}
	if value == Best || lookup(value) != nil || hasPrefix(value, huggingFacePrefixes) {
		return true
	}
	m := repositoryName.FindStringSubmatch(value)
	if m == nil || slices.Contains(weightsExtensions, strings.ToLower(path.Ext(value))) || m[4] != "" {
		return false // a file of a repository needs the prefix hf-hub:
	}
	if m[1] == "runs" { // where training writes: a run that is not there
		return false
	}
	_, err := os.Stat(m[1]) // a path in a folder, mistyped
	return err != nil
}

func hasPrefix(value string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(value, p) })
}

// lookup returns the row of a name or an alias, nil if there is none. Case does not matter.
func lookup(name string) *Known {
	for i, k := range known {
		if strings.EqualFold(k.Name, name) || slices.ContainsFunc(k.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return &known[i]
		}
	}
	return nil
}

// Lookup returns the row of a name, of an alias, or for [Best] that of the architecture and width in the options.
func Lookup(name string, o Options) (Known, error) {
	t, err := parse(name, o)
	if err == nil && t.known == nil {
		err = fmt.Errorf("hub: %s: %w in the table. As a repository on Hugging Face: train weights get %s", name, ErrName, name)
	}
	if err != nil {
		return Known{}, err
	}
	return *t.known, nil
}

// parse resolves a name.
func parse(name string, o Options) (target, error) {
	if name == Best {
		k, err := best(o.Arch, o.Width)
		if err != nil {
			return target{}, err
		}
		return ofKnown(k), nil
	}
	if k := lookup(name); k != nil {
		return ofKnown(k), nil
	}
	if hasPrefix(name, publishers) {
		return target{}, fmt.Errorf("hub: %s: %w; %s. For the repository on Hugging Face, name hf-hub:%s", name, ErrName, didYouMean(name), name)
	}
	return parseRepository(name)
}

func ofKnown(k *Known) target {
	t := target{name: k.Name, known: k}
	if k.Repository != "" {
		t.repo.org, t.repo.name, _ = strings.Cut(k.Repository, "/")
		t.repo.revision = defaultRevision
	}
	return t
}

// parseRepository reads ORG/NAME, ORG/NAME@REVISION, both with /FILE, and the addresses of the site's pages.
func parseRepository(name string) (target, error) {
	rest := name
	for _, p := range huggingFacePrefixes {
		rest = strings.TrimPrefix(rest, p)
	}
	rest, _, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "?")
	if m := sitePath.FindStringSubmatch(rest); m != nil {
		rest = m[1] + "@" + m[2] + m[3]
	}
	m := repositoryName.FindStringSubmatch(rest)
	if m == nil {
		return target{}, fmt.Errorf("hub: %s: %w; %s; a repository on Hugging Face is ORG/NAME, ORG/NAME@REVISION or hf-hub:ORG/NAME/FILE", name, ErrName, didYouMean(name))
	}
	r := repository{org: m[1], name: m[2], revision: m[3], file: m[4]}
	if r.file != "" && !validFile(r.file) || r.revision == refsFolder {
		return target{}, fmt.Errorf("hub: %s: %w: not a file or revision of a repository", name, ErrName)
	}
	t := target{name: rest, repo: r, path: rest == name}
	if r.revision == "" {
		t.repo.revision = defaultRevision
	}
	if k := lookup(r.id()); k != nil && k.Repository != "" && r.file == "" {
		t.known = k // with a prefix or another revision
		t.repo.org, t.repo.name, _ = strings.Cut(k.Repository, "/")
	}
	return t, nil
}

// best is the row with the highest accuracy of an architecture and a width.
func best(arch string, width float64) (*Known, error) {
	var found *Known
	var widths []string
	for i, k := range known {
		if k.Arch != arch {
			continue
		}
		if w := strconv.FormatFloat(k.Width, 'g', -1, 64); !slices.Contains(widths, w) {
			widths = append(widths, w)
		}
		if k.Width == width && (found == nil || k.Top1 > found.Top1) {
			found = &known[i]
		}
	}
	switch {
	case found != nil:
		return found, nil
	case widths != nil:
		slices.Sort(widths)
		return nil, fmt.Errorf("hub: %s: %w for %s of width %g; widths with published weights: %s", Best, ErrName, arch, width, strings.Join(widths, ", "))
	case arch == "":
		return nil, fmt.Errorf("hub: %s means the best weights for an architecture and a width; name the weights, such as %s: train weights list", Best, known[0].Name)
	}
	return nil, fmt.Errorf("hub: %s: %w for %s; %s", Best, ErrName, arch, suggest.OneOf(arch, archs()))
}

// archs lists the architectures of the table.
func archs() []string {
	var list []string
	for _, k := range known {
		if !slices.Contains(list, k.Arch) {
			list = append(list, k.Arch)
		}
	}
	return list
}

// Names lists the names of all known weights, in the order of the table.
func Names() []string {
	var list []string
	for _, k := range known {
		list = append(list, k.Name)
	}
	return list
}

// Closest returns the known name that a word probably means, "" if none is similar. A name without its publisher, such as
// mobilenetv1_100, means the first of that name.
func Closest(word string) string {
	var full, short []string
	for _, k := range known {
		for _, n := range append([]string{k.Name}, k.Aliases...) {
			full, short = append(full, n), append(short, path.Base(n))
		}
	}
	if i := slices.Index(short, path.Base(word)); i >= 0 {
		return full[i]
	}
	if k, err := best(word, 1); err == nil { // an architecture
		return k.Name
	}
	if c := suggest.Closest(word, full); c != "" {
		return c
	}
	c := suggest.Closest(path.Base(word), short)
	if i := slices.Index(short, c); c != "" && i >= 0 {
		return full[i]
	}
	return ""
}

func didYouMean(name string) string {
	if c := Closest(name); c != "" {
		return "did you mean " + c + "? All names: train weights list"
	}
	return "all names: train weights list"
}
