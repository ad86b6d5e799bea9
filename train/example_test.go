package train_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/models"
	"depthwise.dev/report"
	"depthwise.dev/train"
)

// A small convolutional network of the caller's own, trained on MNIST's digits until it is good
// enough. Its weights in runs/cnn are evaluated, resumed and exported as those of a MobileNet.
func ExampleTrainer() {
	x := models.Input(models.Shape{Channels: 3, Height: 32, Width: 32})
	x = x.Conv(models.Conv{Out: 16, Kernel: 3}).BatchNorm(models.BatchNorm{}).ReLU().MaxPool(models.Pool{Kernel: 2})
	x = x.Conv(models.Conv{Out: 32, Kernel: 3}).BatchNorm(models.BatchNorm{}).ReLU().MaxPool(models.Pool{Kernel: 2})
	graph, err := models.Build("small cnn", x.Flatten().Linear(models.Linear{Out: 64}).ReLU().Linear(models.Linear{Out: 10}))
	if err != nil {
		log.Fatal(err)
	}
	c, err := config.Sources{Data: "mnist"}.Config()
	if err != nil {
		log.Fatal(err)
	}
	c.Out, c.Resume = "runs/cnn", "auto"
	enough := func(_ *autograd.Scope, _ *backend.Network, e report.Epoch) error {
		if e.ValTop1 > 0.99 {
			return train.ErrStop
		}
		return nil
	}
	trainer := train.Trainer{Graph: graph, Callbacks: []train.Callback{{AfterEpoch: enough}}}
	result, err := trainer.Fit(context.Background(), c, report.NewPlain(os.Stderr))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("top-1 %.1f %% after %d epochs\n", 100*result.BestTop1, result.Epochs)
}
