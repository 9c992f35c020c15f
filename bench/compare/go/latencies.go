package main

// Workloads whose single operations are timed: the same as elsewhere, with a clock in the loop.

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"sync"
	"time"
)

// timeEach holds, for some workloads, what times n operations one by one, in nanoseconds.
var timeEach = map[string]func(n int) []int64{
	"spawn_one":         spawnOneEach,
	"ping_pong":         pingPongEach,
	"spsc_1":            func(n int) []int64 { return throughChannel(n, 1, 1) },
	"spsc_128":          func(n int) []int64 { return throughChannel(n, 1, 128) },
	"buf_uncontended":   bufUncontendedEach,
	"mpmc_4x4_128":      func(n int) []int64 { return throughChannel(n, 4, 128) },
	"hot_chan_8x8":      func(n int) []int64 { return throughChannel(n, 8, 0) },
	"mutex_contended_8": mutexContended8Each,
	"sleepers_100k":     sleepers100kEach,
}

const mostTimedEach = 100_000

// touched is room for n latencies, in memory that is there already.
func touched(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = -1
	}
	return all
}

func joined(parts [][]int64) []int64 {
	var all []int64
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// quantiles is their distribution: "0:12,0.25:15, ... ,1:900", the quantile and its nanoseconds.
func quantiles(all []int64) string {
	check(len(all) > 0, "nothing was timed")
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	var text []string
	for _, q := range []float64{0, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1} {
		text = append(text, fmt.Sprintf("%g:%d", q, all[int(math.Round(q*float64(len(all)-1)))]))
	}
	return strings.Join(text, ",")
}

var epoch = time.Now()

func nowNs() int { return int(time.Since(epoch)) }

func pingPongEach(n int) []int64 {
	all := touched(n)
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v + 1
		}
	}()
	for i := range all {
		began := nowNs()
		ping <- began
		v := <-pong
		all[i] = int64(nowNs() - began)
		if v != began+1 {
			check(false, "sent %d, got %d", began, v)
		}
	}
	close(ping)
	return all
}

func spawnOneEach(n int) []int64 {
	all := touched(n)
	for i := range all {
		ran := false
		began := nowNs()
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			ran = true
			wg.Done()
		}()
		wg.Wait()
		all[i] = int64(nowNs() - began)
		if !ran {
			check(false, "no goroutine ran")
		}
	}
	return all
}

// throughChannel is from before the send until after the receive: what is sent is the time.
func throughChannel(n, sides, capacity int) []int64 {
	each := atLeast(n/sides, 1)
	parts := make([][]int64, sides)
	for i := range parts {
		parts[i] = touched(each * sides)
	}
	c := make(chan int, capacity)
	var producers, consumers sync.WaitGroup
	producers.Add(sides)
	consumers.Add(sides)
	for i := range parts {
		mine := &parts[i]
		go func() {
			for k := 0; k < each; k++ {
				c <- nowNs()
			}
			producers.Done()
		}()
		go func() {
			received := 0
			for sent := range c {
				(*mine)[received] = int64(nowNs() - sent)
				received++
			}
			*mine = (*mine)[:received]
			consumers.Done()
		}()
	}
	producers.Wait()
	close(c)
	consumers.Wait()
	all := joined(parts)
	check(len(all) == each*sides, "%d values of %d received", len(all), each*sides)
	return all
}

func bufUncontendedEach(n int) []int64 {
	all := touched(n)
	c := make(chan int, 16)
	for i := range all {
		c <- nowNs()
		sent := <-c
		all[i] = int64(nowNs() - sent)
	}
	return all
}

// How long it takes to have the mutex.
func mutexContended8Each(n int) []int64 {
	const goroutines = 8
	parts := make([][]int64, goroutines)
	var m sync.Mutex
	held := 0
	var wg sync.WaitGroup
	wg.Add(goroutines)
	for i := range parts {
		mine := touched(atLeast(n/goroutines, 1))
		parts[i] = mine
		go func() {
			for k := range mine {
				began := nowNs()
				m.Lock()
				mine[k] = int64(nowNs() - began)
				held++
				m.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	all := joined(parts)
	check(held == len(all), "locked %d times of %d", held, len(all))
	return all
}
