package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/classify"
	"depthwise.dev/data"
)

// search is what train similar does.
type search struct {
	*classify.EmbedConfig
	data, embeddings, paths string
	top                     int
}

// similarImages are the nearest images of a query, or why it cannot be read. Bytes of paths that are not UTF-8 are
// written as \xe9.
type similarImages struct {
	Image   string              `json:"image"`
	Similar []classify.Neighbor `json:"similar"`
	Error   string              `json:"error,omitempty"`
}

func newSimilar() *cobra.Command {
	s, asJSON := search{EmbedConfig: newEmbedConfig(), top: 5}, false
	cmd := &cobra.Command{
		Use:   "similar --weights FILE --data DIR IMAGE... [flags]",
		Short: "Find the most similar images of a folder",
		Long: `Find the images of a folder, or of shards, that are the most similar to each
query: those whose embeddings have the highest cosine similarity, 1 at most.

A query that is itself in the folder is not listed. --embeddings searches a file
of "train embed", which takes no time for the folder; it must be of the same
weights.`,
		Example: `  train similar --weights runs/photos-1 --data photos cat.jpg --top 3
  train embed --weights runs/photos-1 --output photos.npy photos
  train similar --weights runs/photos-1 --embeddings photos.npy cat.jpg`,
		ValidArgsFunction: imageArguments,
		RunE: func(cmd *cobra.Command, queries []string) error {
			if err := required(cmd, "weights"); err != nil {
				return err
			}
			if err := s.check(queries); err != nil {
				return err
			}
			if err := prepareEmbed(cmd, s.EmbedConfig); err != nil {
				return err
			}
			return s.run(cmd, queries, asJSON)
		},
	}
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.data, "data", "", "`DIR` of images to search, with folders below it; shards, or their address; or mnist")
		fs.StringVar(&s.embeddings, "embeddings", "", "file of train embed to search instead, .npy or .csv")
		fs.StringVar(&s.paths, "csv", "", "file with the paths of the rows of a .npy file")
		folderPath(fs, "data")
		filePath(fs, "embeddings", "npy", "csv")
		filePath(fs, "csv", "csv")
		defaultText(fs, "csv", "the name of --embeddings with .csv")
	})
	embedFlags(cmd, s.EmbedConfig)
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.IntVar(&s.top, "top", s.top, "number of images to print per query")
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

// check refuses flags that do not go together, and completes the name of the file of paths.
func (s *search) check(queries []string) error {
	switch {
	case s.top < 1:
		return usagef("--top must be at least 1")
	case (s.data == "") == (s.embeddings == ""):
		return usagef("similar needs --data or --embeddings, the images to search, and not both")
	case len(queries) == 0:
		return usagef("similar needs the images to compare with, as arguments")
	case s.paths != "" && (s.embeddings == "" || isCSV(s.embeddings)):
		return usagef("--csv %s: only a .npy file of --embeddings has its paths elsewhere: omit --csv", shellWord(s.paths))
	case s.paths == "" && s.embeddings != "" && !isCSV(s.embeddings):
		s.paths = pathsBeside(s.embeddings)
	}
	return nil
}

func (s *search) run(cmd *cobra.Command, queries []string, asJSON bool) error {
	all, err := s.images(cmd)
	if err != nil {
		return err
	}
	s.Reading.Log = nil // written once
	q, err := classify.Embed(cmd.Context(), *s.EmbedConfig, queries)
	if err != nil {
		return err
	}
	results, err := s.nearest(all, q)
	if err != nil {
		return err
	}
	if err := show(cmd, asJSON, results, func() string { return similarText(results) }); err != nil {
		return err
	}
	var bad []string
	for _, p := range q.Skipped {
		bad = append(bad, p.String())
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

// images returns the embeddings to search.
func (s *search) images(cmd *cobra.Command) (classify.Embeddings, error) {
	if s.embeddings != "" {
		e, err := classify.ReadEmbeddings(s.embeddings, s.paths)
		if err != nil {
			return e, err
		}
		checked, err := e.Check(cmd.Context(), *s.EmbedConfig)
		if err == nil && !checked {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: its images are not files that can be read: not verified that they are of these weights\n", data.ShowName(s.embeddings))
		}
		if err != nil {
			return e, fmt.Errorf("%s: %w", data.ShowName(s.embeddings), err)
		}
		return e, nil
	}
	dir, err := dataFolder(cmd, s.data)
	if err != nil {
		return classify.Embeddings{}, err
	}
	e, err := classify.Embed(cmd.Context(), *s.EmbedConfig, []string{dir})
	if err == nil && len(e.Paths) == 0 {
		err = noneReadable(e, []string{dir})
	}
	if err != nil {
		return e, err
	}
	return e, reportSkipped(cmd.ErrOrStderr(), e, nil)
}

// nearest finds the nearest images of each query, those that cannot be read last.
func (s *search) nearest(all, queries classify.Embeddings) ([]similarImages, error) {
	var results []similarImages
	for i, query := range queries.Paths {
		list, err := all.Nearest(queries.Row(i), s.top, func(path string) bool { return path == query || isSameFile(path, query) })
		if err != nil {
			return nil, err
		}
		for j := range list {
			list[j].Image = data.EscapeName(list[j].Image)
		}
		results = append(results, similarImages{Image: data.EscapeName(query), Similar: list})
	}
	for _, p := range queries.Skipped {
		results = append(results, similarImages{Image: data.EscapeName(p.Path), Similar: []classify.Neighbor{}, Error: p.Reason})
	}
	return results, nil
}

func similarText(results []similarImages) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%s\n", data.ShowName(r.Image))
		if r.Error != "" {
			fmt.Fprintf(&b, "  cannot be read\n")
		}
		for _, n := range r.Similar {
			fmt.Fprintf(&b, "  %.4f  %s\n", n.Similarity, data.ShowName(n.Image))
		}
	}
	return b.String()
}
