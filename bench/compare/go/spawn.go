package main

// Creating, yielding and keeping goroutines.

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Batches of 1000 goroutines that each mark their slot, the least that proves that they ran.
func spawnJoin(count int) measurement {
	const batch = 1000
	var ran [batch]int32
	batches := atLeast(count/batch, 1)
	start := time.Now()
	for b := 1; b <= batches; b++ {
		var wg sync.WaitGroup
		wg.Add(batch)
		for i := range ran {
			slot := &ran[i]
			go func() {
				*slot++
				wg.Done()
			}()
		}
		wg.Wait()
	}
	m := perOp(start, batches*batch)
	for i, n := range ran {
		check(int(n) == batches, "goroutine %d ran %d times in %d batches", i, n, batches)
	}
	return m
}

func spawnOne(count int) measurement {
	count = atLeast(count, 1)
	ran := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			ran++
			wg.Done()
		}()
		wg.Wait()
	}
	m := perOp(start, count)
	check(ran == count, "%d of %d goroutines ran", ran, count)
	return m
}

func yield1000(count int) measurement {
	const goroutines = 1000
	yields := atLeast(count/goroutines, 1)
	var wg sync.WaitGroup
	var total atomic.Int64
	wg.Add(goroutines)
	start := time.Now()
	for i := 0; i < goroutines; i++ {
		go func() {
			done := 0
			for ; done < yields; done++ {
				runtime.Gosched()
			}
			total.Add(int64(done))
			wg.Done()
		}()
	}
	wg.Wait()
	m := perOp(start, goroutines*yields)
	check(total.Load() == int64(goroutines*yields), "%d yields", total.Load())
	return m
}

// Goroutines that wait for one channel. The counter says that each has come to its receive.
func parked(count int) measurement {
	count = atLeast(count, 1)
	gate := make(chan struct{})
	var wg sync.WaitGroup
	var arrived, released atomic.Int64
	wg.Add(count)
	before := residentBytes()
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			arrived.Add(1)
			if _, ok := <-gate; !ok {
				released.Add(1)
			}
			wg.Done()
		}()
	}
	for arrived.Load() < int64(count) {
		runtime.Gosched()
	}
	m := perOp(start, count)
	m.bytesPerOp = float64(residentBytes()-before) / float64(count)
	close(gate)
	wg.Wait()
	check(released.Load() == int64(count), "%d of %d saw the close", released.Load(), count)
	return m
}
