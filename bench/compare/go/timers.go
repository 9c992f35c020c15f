package main

// Timers and sleepers.

import (
	"sync"
	"syscall"
	"time"
)

// Start a timer of an hour, stop it.
func timerStop(count int) measurement {
	stopped := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		t := time.NewTimer(time.Hour)
		if t.Stop() {
			stopped++
		}
	}
	took := perOp(start, count)
	check(stopped == count, "stopped %d timers of %d", stopped, count)
	return took
}

// cpuSeconds is the CPU time that this process has used.
func cpuSeconds() float64 {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	check(err == nil, "%v", err)
	return float64(u.Utime.Sec+u.Stime.Sec) + 1e-6*float64(u.Utime.Usec+u.Stime.Usec)
}

// Goroutines that sleep random times within one second; what counts is the CPU time of the process.
func sleepers100k(count int) measurement {
	var wg sync.WaitGroup
	wg.Add(count)
	random := uint32(1)
	before := cpuSeconds()
	for i := 0; i < count; i++ {
		random = random*1_103_515_245 + 12_345
		d := time.Duration((random>>8)%1_000_000) * time.Microsecond
		go func() {
			time.Sleep(d)
			wg.Done()
		}()
	}
	wg.Wait()
	return measurement{nsPerOp: (cpuSeconds() - before) * 1e9 / float64(count)}
}
