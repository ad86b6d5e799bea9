package optim_test

import (
	"fmt"

	"depthwise.dev/optim"
)

// The learning rate is a function of the step, so a run that resumes at step 7 needs only that
// number.
func ExampleSchedule() {
	var schedule optim.Schedule = optim.Cosine{Base: 0.1, Total: 12, Warmup: 4}
	for _, step := range []int64{0, 1, 3, 7, 11} {
		fmt.Printf("step %2d: %.4f\n", step, schedule.LR(step))
	}
	// Output:
	// step  0: 0.0250
	// step  1: 0.0500
	// step  3: 0.1000
	// step  7: 0.0691
	// step 11: 0.0038
}
