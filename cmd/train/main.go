// Command train trains MobileNet image classifiers, and evaluates, applies and exports them. See
// `train --help`.
package main

import (
	"context"
	"os"
)

func main() {
	crashWithSignal()
	prepareToCompute(os.Args[1:])
	ctx := untilInterrupted(context.Background(), os.Stderr)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
