package modelcard

import "encoding/json"

// task says what the classes of a multi-label network are.
func (c *card) task() string {
	if c.w.MultiLabel() {
		return ", of which an image may have any number (the sigmoid of each logit is a probability)"
	}
	return ""
}

// metric is Hugging Face's name of the measure of the best epoch.
func (c *card) metric() string {
	if c.w.MultiLabel() {
		return "mean_average_precision"
	}
	return "accuracy"
}

// measures are rows of the recorded measures.
func (c *card) measures() {
	if c.w.MultiLabel() {
		c.line("| mean average precision | %.1f %% |", 100*c.best.MAP)
		c.line("| images with exactly the right classes at 0.5 | %.1f %% |", 100*c.best.Top1)
		c.line("| binary cross entropy | %.3f |\n", c.best.Loss)
		return
	}
	c.line("| top-1 accuracy | %.1f %% |", 100*c.best.Top1)
	c.line("| top-5 accuracy | %.1f %% |", 100*c.best.Top5)
	c.line("| cross entropy | %.3f |\n", c.best.Loss)
}

// printed is the Python code that shows the result: the most probable class, or of independent classes those with a
// probability of their threshold or more.
func (c *card) printed(probabilities bool) string {
	if !c.w.MultiLabel() {
		return "print(classes[int(scores[0].argmax())])\n"
	}
	p := "1 / (1 + np.exp(-scores[0]))"
	if probabilities {
		p = "scores[0]"
	}
	return "probabilities = " + p + "\nprint([c for c, p, t in zip(classes, probabilities, thresholds) if p >= t])\n"
}

// pythonThresholds is a line of Python with the thresholds of independent classes.
func (c *card) pythonThresholds() string {
	if !c.w.MultiLabel() {
		return ""
	}
	thresholds, _, err := c.w.Thresholds()
	if err != nil {
		return ""
	}
	text, err := json.Marshal(thresholds)
	if err != nil {
		return ""
	}
	return "thresholds = " + string(text) + "\n"
}
