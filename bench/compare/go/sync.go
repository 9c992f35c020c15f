package main

// Mutexes.

import (
	"sync"
	"time"
)

func mutexUncontended(count int) measurement {
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
func mutexContended8(count int) measurement {
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
