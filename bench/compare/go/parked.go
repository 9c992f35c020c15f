package main

// Many goroutines that wait, and how quiet they are.

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// gathering is a crowd of goroutines that wait for one channel until it is closed.
type gathering struct {
	gate              chan struct{}
	wg                sync.WaitGroup
	size              int
	arrived, released atomic.Int64
}

// gather returns when each of count goroutines has come to its receive.
func gather(count int) *gathering {
	g := &gathering{gate: make(chan struct{}), size: count}
	g.wg.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			g.arrived.Add(1)
			if _, ok := <-g.gate; !ok {
				g.released.Add(1)
			}
			g.wg.Done()
		}()
	}
	for g.arrived.Load() < int64(count) {
		runtime.Gosched()
	}
	return g
}

// release returns when all have ended.
func (g *gathering) release() {
	close(g.gate)
	g.wg.Wait()
}

func (g *gathering) check() {
	check(g.released.Load() == int64(g.size), "%d of %d saw the close", g.released.Load(), g.size)
}

func parked(count int) results {
	count = atLeast(count, 1)
	before := residentBytes()
	start := time.Now()
	g := gather(count)
	created := time.Since(start)
	bytes := float64(residentBytes() - before)
	start = time.Now()
	g.release()
	woken := time.Since(start)
	g.check()
	n := float64(count)
	return results{
		{suffix: "_create", value: float64(created.Nanoseconds()) / n},
		{suffix: "_wake", value: float64(woken.Nanoseconds()) / n},
		{suffix: "_bytes", value: bytes / n},
	}
}

// Crowds of 100 000; what counts is the time from the close until all have ended.
func close100kWaiters(count int) results {
	size := 100_000
	if count < size {
		size = atLeast(count, 1)
	}
	rounds := atLeast(count/size, 1)
	var sum time.Duration
	for r := 0; r < rounds; r++ {
		g := gather(size)
		start := time.Now()
		g.release()
		sum += time.Since(start)
		g.check()
	}
	return results{{value: float64(sum.Nanoseconds()) / float64(rounds*size)}}
}

// CPU time that a process uses in which 1000 goroutines wait and nothing happens, per second. It
// has worked before, so that there are threads that could look for work.
func idleCPU(milliseconds int) results {
	spawnJoin(20_000)
	g := gather(1000)
	time.Sleep(20 * time.Millisecond) // until all has come to rest
	start := time.Now()
	before := cpuNs()
	time.Sleep(time.Duration(atLeast(milliseconds, 1)) * time.Millisecond)
	cpu := cpuNs() - before
	seconds := time.Since(start).Seconds()
	g.release()
	g.check()
	return results{{value: cpu / seconds}}
}
