package checkpoints

import (
	"fmt"

	"depthwise.dev/internal/host"
)

// checkMemory refuses arrays that the process cannot hold, such as those of a sparse file, before Go
// would end the process.
func checkMemory(bytes float64, available host.Bound) error {
	if bytes <= float64(available.N) {
		return nil
	}
	return fmt.Errorf("its values take %s of memory, but %s are available (%s)", host.Size(bytes), host.Size(float64(available.N)), available.By)
}
