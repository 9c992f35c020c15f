package main

// Mutexes.

import (
	"sync"
	"sync/atomic"
	"time"
)

func mutexUncontended(count int) results {
	var m sync.Mutex
	held := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		m.Lock()
		held++
		m.Unlock()
	}
	took := perOp(start, count)
	check(held == count, "locked %d times of %d", held, count)
	return took
}

// Eight goroutines that do nothing but count under one mutex.
func mutexContended8(count int) results {
	const goroutines = 8
	each := atLeast(count/goroutines, 1)
	var m sync.Mutex
	held := 0
	var wg sync.WaitGroup
	wg.Add(goroutines)
	start := time.Now()
	for i := 0; i < goroutines; i++ {
		go func() {
			for k := 0; k < each; k++ {
				m.Lock()
				held++
				m.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	took := perOp(start, each*goroutines)
	check(held == each*goroutines, "locked %d times of %d", held, each*goroutines)
	return took
}

// Eight readers, and a writer that is asked for after each 1000 reads of one of them. One operation
// is a read.
func rwmutexRead(count int) results {
	const readers, readsPerWrite = 8, 1000
	each := atLeast(count/readers, 1)
	var m sync.RWMutex
	written := 0
	var backwards atomic.Int64
	due := make(chan struct{}, readers)
	var reading, writing sync.WaitGroup
	reading.Add(readers)
	writing.Add(1)
	start := time.Now()
	go func() {
		for range due {
			m.Lock()
			written++
			m.Unlock()
		}
		writing.Done()
	}()
	for i := 0; i < readers; i++ {
		go func() {
			last, wrong := 0, 0
			for k := 1; k <= each; k++ {
				m.RLock()
				if written < last {
					wrong++
				}
				last = written
				m.RUnlock()
				if k%readsPerWrite == 0 {
					due <- struct{}{}
				}
			}
			backwards.Add(int64(wrong))
			reading.Done()
		}()
	}
	reading.Wait()
	close(due)
	writing.Wait()
	took := perOp(start, each*readers)
	check(written == each/readsPerWrite*readers, "written %d times", written)
	check(backwards.Load() == 0, "%d reads of something older than the last one", backwards.Load())
	return took
}
