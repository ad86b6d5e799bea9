package datasets

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"sort"

	"depthwise.dev/data"
	"depthwise.dev/internal/host"
)

// Identity is a summary of a data set's images by which the set is recognized after it was moved, or
// after images were added, removed or encoded again.
type Identity struct {
	Images int    `json:"images"`
	Digest string `json:"digest"` // of the keys of all images
	// Names holds the hashes of keys, 8 bytes each, sorted: of all images, or those with the smallest
	// hashes. They say whether another set has images of the same names.
	Names []byte `json:"names"`
	// Sizes are the numbers of bytes of the first images of Names; 0: unknown. They say whether images
	// of the same names are the same images where none of them has a picture.
	Sizes []int64 `json:"sizes,omitempty"`
	// Pictures are reduced images, by the hash of the key. They say whether images of the same names
	// are the same images. Remote data sets have none: they would have to be downloaded.
	Pictures []picture `json:"pictures,omitempty"`
}

type picture struct {
	Key    uint64 `json:"key"`
	Pixels []byte `json:"pixels"` // pictureSide x pictureSide RGB
}

const (
	// maxNames bounds the size of a checkpoint: 44 KB in base64. A part of 1/1000 of a data set of any
	// size shares four of that many names with it on average.
	maxNames = 4096
	nameSize = 8
	// maxSizes is the number of files of which the size is looked up.
	maxSizes = 1024
	// pictures take the time of one batch to read, and 33 KB in base64.
	maxPictures = 32
	pictureSide = 16
)

// keyHash is independent of the hash of [Split], so that the images with the smallest hashes are from
// train and val.
func keyHash(key string) uint64 {
	sum := sha256.Sum256([]byte("identity " + key))
	return binary.BigEndian.Uint64(sum[:])
}

// Identify computes the identity of a data set. It reads a few images and returns errors of the
// machine only.
func Identify(ctx context.Context, set *data.Dataset) (Identity, error) {
	order := byHash(set)
	id := Identity{Images: set.Len(), Digest: digest(order)}
	for _, k := range order[:min(maxNames, len(order))] {
		id.Names = binary.BigEndian.AppendUint64(id.Names, k.hash)
	}
	for _, k := range order[:min(maxSizes, len(order))] {
		id.Sizes = append(id.Sizes, size(set.Samples[k.sample]))
	}
	if set.Remote() {
		return id, nil
	}
	var err error
	id.Pictures, err = pictures(ctx, set, order[:min(maxPictures, len(order))])
	return id, err
}

// SampleDigest returns a digest of a few reduced images of a data set, with even distances in its
// list: of the same files it is the same. It is "" for a remote data set, of which nothing is read.
func SampleDigest(ctx context.Context, set *data.Dataset) (string, error) {
	if set.Remote() {
		return "", nil
	}
	var chosen []keyed
	n := min(maxPictures, set.Len())
	for i := range n {
		chosen = append(chosen, keyed{sample: i * set.Len() / n})
	}
	list, err := pictures(ctx, set, chosen)
	h := sha256.New()
	for _, p := range list {
		h.Write(p.Pixels) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), err
}

// keyed is a sample with the hash of its key.
type keyed struct {
	hash   uint64
	sample int
}

// size returns the number of bytes of a sample, 0 if it is unknown.
func size(s data.Sample) int64 {
	if s.Part.In != nil {
		return s.Part.Size
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// byHash returns the samples of a data set by the hashes of their keys.
func byHash(set *data.Dataset) []keyed {
	order := make([]keyed, set.Len())
	for i, s := range set.Samples {
		order[i] = keyed{keyHash(set.Key(s)), i}
	}
	slices.SortFunc(order, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.sample, b.sample)) })
	return order
}

func digest(order []keyed) string {
	h := sha256.New()
	var hash [8]byte
	for _, k := range order {
		binary.BigEndian.PutUint64(hash[:], k.hash)
		h.Write(hash[:]) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// pictures reads samples. Unreadable ones are left out.
func pictures(ctx context.Context, set *data.Dataset, chosen []keyed) ([]picture, error) {
	part := set.Like(nil)
	for _, k := range chosen {
		part.Samples = append(part.Samples, set.Samples[k.sample])
	}
	loader, err := data.NewLoader(part, data.LoaderOptions{BatchSize: max(1, len(chosen)), Workers: host.Workers(),
		Preprocess: data.Preprocess{Resolution: pictureSide, Fit: data.FitLetterbox}})
	if err != nil {
		return nil, err
	}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	b, err := batches.Next()
	if err != nil {
		return nil, fmt.Errorf("data: identify %s: %w", set.Root, err)
	}
	var list []picture
	const size = 3 * pictureSide * pictureSide
	for i, sample := range b.Samples {
		list = append(list, picture{Key: chosen[sample].hash, Pixels: slices.Clone(b.Pixels[i*size : (i+1)*size])})
	}
	return list, nil
}

// shared is what another data set has in common with an identity.
type shared struct {
	all       bool // the keys are the same
	names     int  // images of a recorded name
	compared  int  // images of a recorded name that have a recorded picture
	identical int  // of these, images with the same picture
	sized     int  // images of a recorded name that have a recorded size
	sameSize  int  // of these, images of the same size
}

// compare counts what a data set has in common with the recorded one.
func (id Identity) compare(ctx context.Context, set *data.Dataset) (shared, error) {
	var found shared
	recorded := map[uint64][]byte{}
	for _, p := range id.Pictures {
		recorded[p.Key] = p.Pixels
	}
	var chosen []keyed
	order := byHash(set)
	found.all = digest(order) == id.Digest
	for _, k := range order {
		at, ok := id.find(k.hash)
		if !ok {
			continue
		}
		found.names++
		if at < len(id.Sizes) && id.Sizes[at] > 0 {
			found.sized++
			if size(set.Samples[k.sample]) == id.Sizes[at] {
				found.sameSize++
			}
		}
		if _, ok := recorded[k.hash]; ok && len(chosen) < 2*maxPictures { // twice a name, in shards
			chosen = append(chosen, k)
		}
	}
	if len(chosen) == 0 || set.Remote() {
		return found, nil
	}
	list, err := pictures(ctx, set, chosen)
	if err != nil {
		return found, err
	}
	found.compared = len(list)
	for _, p := range list {
		if samePicture(p.Pixels, recorded[p.Key]) {
			found.identical++
		}
	}
	return found, nil
}

// otherImages reports whether the images of the recorded names are other images. One picture that is
// the same shows that they are not; a size can be the same by chance.
func (s shared) otherImages() bool {
	if s.compared > 0 {
		return s.identical == 0
	}
	return s.sized > 0 && 2*s.sameSize < s.sized
}

// find returns the place of a hash in Names.
func (id Identity) find(hash uint64) (at int, ok bool) {
	n := len(id.Names) / nameSize
	name := func(i int) uint64 { return binary.BigEndian.Uint64(id.Names[i*nameSize:]) }
	at = sort.Search(n, func(i int) bool { return name(i) >= hash })
	return at, at < n && name(at) == hash
}

// samePicture reports whether two reduced images are of the same picture, which may have been resized
// or encoded again in between: their mean difference is below a quarter of the contrast. For that of
// resized or compressed photographs it is below a tenth, for different ones about as large.
func samePicture(a, b []byte) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	var mean [3]float64
	for i, v := range a {
		mean[i%3] += float64(v) / float64(len(a)/3)
	}
	difference, contrast := 0.0, 0.0
	for i, v := range a {
		difference += max(float64(v), float64(b[i])) - min(float64(v), float64(b[i]))
		contrast += max(float64(v), mean[i%3]) - min(float64(v), mean[i%3])
	}
	rounding := 0.5 * float64(len(a)) // half a level for each value, in images of one color
	return difference <= max(rounding, contrast/4)
}
