package main

// Timers and sleepers.

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Start a timer of an hour, stop it.
func timerStop(count int) results {
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

// cpuNs is the CPU time that this process has used.
func cpuNs() float64 {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	check(err == nil, "%v", err)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// randomSleeps makes the same random times in all languages: 100 000 of them spread over a second,
// fewer over less.
type randomSleeps struct{ state, belowUs uint32 }

func newRandomSleeps(count int) randomSleeps { return randomSleeps{1, uint32(atLeast(count, 1)) * 10} }

func (r *randomSleeps) next() time.Duration {
	r.state = r.state*1_103_515_245 + 12_345
	return time.Duration((r.state>>8)%r.belowUs) * time.Microsecond
}

// Goroutines that sleep random times within one second; what counts is the CPU time of the process.
func sleepers100k(count int) results {
	var wg sync.WaitGroup
	wg.Add(count)
	random := newRandomSleeps(count)
	before := cpuNs()
	for i := 0; i < count; i++ {
		d := random.next()
		go func() {
			time.Sleep(d)
			wg.Done()
		}()
	}
	wg.Wait()
	return results{{suffix: "_cpu", value: (cpuNs() - before) / float64(count)}}
}

// The same, and how late each of them comes.
func sleepers100kEach(n int) []int64 {
	late := touched(n)
	var wg sync.WaitGroup
	wg.Add(n)
	random := newRandomSleeps(n)
	for i := range late {
		d, mine := random.next(), &late[i]
		go func() {
			start := time.Now()
			time.Sleep(d)
			*mine = (time.Since(start) - d).Nanoseconds()
			wg.Done()
		}()
	}
	wg.Wait()
	for _, ns := range late {
		check(ns >= 0, "a sleep was too short by %d ns", -ns)
	}
	return late
}

// computeUntil computes until told to stop, and never waits. Not 0.
func computeUntil(stop *atomic.Bool) uint64 {
	x := uint64(1)
	for !stop.Load() {
		for i := 0; i < 1000; i++ {
			x = x*6_364_136_223_846_793_005 + 1_442_695_040_888_963_407
		}
	}
	return x | 1
}

// How late sleeps of 1 ms end while as many goroutines as may run at once compute and never wait.
func hogWake(count int) results {
	hogs := runtime.GOMAXPROCS(0)
	var stop atomic.Bool
	var computed atomic.Int64
	var wg sync.WaitGroup
	wg.Add(hogs)
	for i := 0; i < hogs; i++ {
		go func() {
			if computeUntil(&stop) != 0 {
				computed.Add(1)
			}
			wg.Done()
		}()
	}
	late := touched(atLeast(count, 1))
	for i := range late {
		start := time.Now()
		time.Sleep(time.Millisecond)
		late[i] = (time.Since(start) - time.Millisecond).Nanoseconds()
	}
	stop.Store(true)
	wg.Wait()
	check(int(computed.Load()) == hogs, "%d goroutines of %d computed", computed.Load(), hogs)
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	check(late[0] >= 0, "a sleep was too short by %d ns", -late[0])
	return results{{value: float64(late[len(late)/2]), quantiles: quantiles(late)}}
}
