package config

// Values of TensorBoard.
const (
	TensorBoardOff     = "off"
	TensorBoardScalars = "scalars"
	TensorBoardAll     = "all"
)

// TensorBoards are the values of TensorBoard.
var TensorBoards = []string{TensorBoardOff, TensorBoardScalars, TensorBoardAll}

func (v *collector) tracking(c Config) { v.OneOf("tensorboard", c.TensorBoard, TensorBoards) }
