package main

// Creating and yielding.

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Batches of 1000 goroutines that each mark their slot, the least that proves that they ran.
func spawnJoin(count int) results {
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

func spawnOne(count int) results {
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

// A thousand goroutines wait for one channel; each is given a value and ends.
func spawnParked(count int) results {
	const batch = 1000
	var got [batch]int
	batches := atLeast(count/batch, 1)
	gate := make(chan int)
	var arrived atomic.Int64
	start := time.Now()
	for b := 1; b <= batches; b++ {
		var wg sync.WaitGroup
		wg.Add(batch)
		for i := range got {
			slot := &got[i]
			go func() {
				arrived.Add(1)
				*slot += <-gate
				wg.Done()
			}()
		}
		for arrived.Load() < int64(b*batch) {
			runtime.Gosched()
		}
		for range got {
			gate <- 1
		}
		wg.Wait()
	}
	m := perOp(start, batches*batch)
	for i, n := range got {
		check(n == batches, "goroutine %d got %d in %d batches", i, n, batches)
	}
	return m
}

func yield1000(count int) results {
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
