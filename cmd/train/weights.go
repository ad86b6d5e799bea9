package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/hub"
)

func newWeights() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weights",
		Short: "List, download and verify published weights",
		Example: `  train weights list
  train weights get torchvision/mobilenet_v2`,
		Args: oneCommand,
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newWeightsList(), newWeightsShow(), newWeightsGet(), newWeightsVerify())
	return cmd
}

// knownWeights is the JSON form of a row of the table of published weights.
type knownWeights struct {
	Name       string   `json:"name"`
	Aliases    []string `json:"aliases,omitempty"`
	Arch       string   `json:"arch"`
	Variant    string   `json:"variant"`
	Width      float64  `json:"width"`
	Resolution int      `json:"resolution"`
	Top1       *float64 `json:"top1"` // null: not stated by the publisher
	Address    string   `json:"address"`
	SHA256     string   `json:"sha256,omitempty"` // or its first digits
	License    string   `json:"license"`
	LicenseURL string   `json:"license_url"`
	Cached     string   `json:"cached,omitempty"` // path
}

func describeKnown(k hub.Known) knownWeights {
	w := knownWeights{Name: k.Name, Aliases: k.Aliases, Arch: k.Arch, Variant: k.Variant, Width: k.Width, Resolution: k.Preprocess.Resolution,
		Address: k.Address, SHA256: k.SHA256, License: k.License, LicenseURL: k.LicenseURL}
	if k.Repository != "" {
		w.Address = "https://huggingface.co/" + k.Repository
	}
	if k.Top1 > 0 {
		w.Top1 = &k.Top1
	}
	w.Cached, _ = hub.CachedPath(k.Name, hub.Options{}) // "" if it is not there
	return w
}

func newWeightsList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List known weights, and those in the cache",
		Long: `List the published weights that this program knows, with top-1 accuracy on
ImageNet at the given resolution, and what is in the cache.

Any other repository on Hugging Face with weights of a MobileNet has the name
ORG/NAME.`,
		Example: `  train weights list
  train weights list --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows := []knownWeights{}
			for _, k := range hub.All() {
				rows = append(rows, describeKnown(k))
			}
			others, err := otherCached(rows)
			if err != nil {
				return err
			}
			result := struct {
				Known  []knownWeights `json:"known"`
				Cached []string       `json:"other_cached"`
			}{rows, others}
			return show(cmd, asJSON, result, func() string { return listText(rows, others) })
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// otherCached lists the weights in the cache that are not in the table.
func otherCached(rows []knownWeights) ([]string, error) {
	inTable := map[string]bool{}
	for _, r := range rows {
		inTable[r.Cached] = true
	}
	entries, err := hub.Cached("")
	if err != nil {
		return nil, err
	}
	others := []string{}
	for _, e := range entries {
		if !inTable[e.Path] {
			others = append(others, e.Path)
		}
	}
	return others, nil
}

func listText(rows []knownWeights, others []string) string {
	var b strings.Builder
	const format = "%-40s %-12s %5s %6s %5s %s"
	line := func(cells ...any) {
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf(format, cells...), " "))
	}
	line("NAME", "ARCH", "WIDTH", "PIXELS", "TOP-1", "CACHED")
	for _, r := range rows {
		top1, cached := "-", ""
		if r.Top1 != nil {
			top1 = fmt.Sprintf("%.1f", *r.Top1)
		}
		if r.Cached != "" {
			cached = "yes"
		}
		line(r.Name, r.Arch, number(r.Width), fmt.Sprint(r.Resolution), top1, cached)
	}
	if len(others) > 0 {
		fmt.Fprintf(&b, "\nAlso in the cache:\n  %s\n", strings.Join(others, "\n  "))
	}
	return b.String()
}

func newWeightsShow() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show NAME [flags]",
		Short: "Show address, digest, license and preprocessing of weights",
		Example: `  train weights show timm/mobilenetv1_100
  train weights show torchvision/mobilenet_v2 --json`,
		ValidArgsFunction: weightNames,
		Args:              oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := hub.Lookup(args[0], hub.Options{})
			if err != nil {
				return err
			}
			d := describeKnown(k)
			return show(cmd, asJSON, d, func() string { return showText(k, d) })
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func showText(k hub.Known, d knownWeights) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-14s %s\n", key, value)
		}
	}
	line("name", d.Name)
	line("also", strings.Join(d.Aliases, ", "))
	line("network", fmt.Sprintf("%s %s, width %g", d.Arch, d.Variant, d.Width))
	if d.Top1 != nil {
		line("top-1", fmt.Sprintf("%.3f %% on %s (%s)", *d.Top1, k.Dataset, k.Facts))
	}
	p := k.Preprocess
	resize := "as the repository says"
	switch {
	case p.Resize > 0:
		resize = fmt.Sprint(p.Resize)
	case k.Repository == "":
		resize = fmt.Sprint(p.Resolution, " / 0.875")
	}
	line("preprocessing", fmt.Sprintf("%d pixels, resize %s, %s", p.Resolution, resize, p.Interpolation))
	line("", fmt.Sprintf("mean %g, std %g", p.Mean, p.Std))
	line("address", d.Address)
	line("SHA-256", d.SHA256)
	if d.SHA256 == "" && k.Repository == "" {
		line("SHA-256", "not published; that of the first download is recorded")
	}
	line("license", d.License)
	line("", d.LicenseURL)
	line("cached", d.Cached)
	return b.String()
}

// weightNames completes the names of known weights.
func weightNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return hub.Names(), cobra.ShellCompDirectiveNoFileComp
}

func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one name, not %d arguments", strings.TrimPrefix(cmd.CommandPath(), "train "), len(args))
	}
	return nil
}
