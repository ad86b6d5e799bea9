//go:build !linux

package main

import "time"

const timerSlack = time.Duration(0)

func setTimerSlack(time.Duration) (before time.Duration) { return 0 }
