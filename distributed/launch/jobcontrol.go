package launch

import (
	"os"
	"os/signal"
	"syscall"
)

// jobControl returns what receives the signals by which a shell suspends this process (Ctrl-Z) and continues it. The ranks, in
// process groups of their own, do not get them from the terminal.
func jobControl() (suspended, continued <-chan os.Signal, release func()) {
	stop, cont := make(chan os.Signal, 1), make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGTSTP) {
		signal.Notify(stop, syscall.SIGTSTP)
	}
	signal.Notify(cont, syscall.SIGCONT)
	return stop, cont, func() {
		signal.Stop(stop)
		signal.Stop(cont)
	}
}
