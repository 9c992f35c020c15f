package main

// Channels and select.

import (
	"sync"
	"time"
)

func pingPong(count int) measurement {
	count = atLeast(count, 1)
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v + 1
		}
		close(pong)
	}()
	start := time.Now()
	for i := 0; i < count; i++ {
		ping <- i
		v := <-pong
		if v != i+1 {
			check(false, "sent %d, got %d", i, v)
		}
	}
	m := perOp(start, count)
	close(ping)
	_, ok := <-pong
	check(!ok, "a value after the last")
	return m
}

// sumBelow is 0 + 1 + ... + n-1.
func sumBelow(n int) int { return n * (n - 1) / 2 }

func spsc128(count int) measurement {
	c := make(chan int, 128)
	start := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for v := range c {
		sum += v
	}
	m := perOp(start, count)
	check(sum == sumBelow(count), "sum %d", sum)
	return m
}

func bufUncontended(count int) measurement {
	c := make(chan int, 16)
	sum := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		c <- i
		sum += <-c
	}
	m := perOp(start, count)
	check(sum == sumBelow(count), "sum %d", sum)
	return m
}

func mpmc4x4(count int) measurement {
	const sides = 4
	each := atLeast(count/sides, 1)
	c := make(chan int, 128)
	sums := make(chan int, sides)
	var producers sync.WaitGroup
	producers.Add(sides)
	start := time.Now()
	for p := 0; p < sides; p++ {
		first := p * each
		go func() {
			for i := 0; i < each; i++ {
				c <- first + i
			}
			producers.Done()
		}()
		go func() {
			sum := 0
			for v := range c {
				sum += v
			}
			sums <- sum
		}()
	}
	producers.Wait()
	close(c)
	sum := 0
	for i := 0; i < sides; i++ {
		sum += <-sums
	}
	m := perOp(start, sides*each)
	check(sum == sumBelow(sides*each), "sum %d", sum)
	return m
}

// All four channels are ready at every select, so this also checks that the choice is uniform.
func selectReady4(count int) measurement {
	count = atLeast(count, 4000) // with fewer, 20..30 % would be a matter of luck
	var c [4]chan int
	for i := range c {
		c[i] = make(chan int, 1)
		c[i] <- i
	}
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	var chosen [4]int
	start := time.Now()
	for i := 0; i < count; i++ {
		select {
		case v := <-c0:
			chosen[v]++
			c0 <- v
		case v := <-c1:
			chosen[v]++
			c1 <- v
		case v := <-c2:
			chosen[v]++
			c2 <- v
		case v := <-c3:
			chosen[v]++
			c3 <- v
		}
	}
	m := perOp(start, count)
	for i, n := range chosen {
		check(n > count/5 && n < count*3/10, "channel %d was chosen %d times of %d", i, n, count)
		v := <-c[i]
		check(v == i, "channel %d holds %d", i, v)
	}
	return m
}

// The token is the number of hops left; who receives 0 reports its place.
func ring503(count int) measurement {
	const size = 503
	var links [size]chan int
	for i := range links {
		links[i] = make(chan int)
	}
	last := make(chan int)
	var wg sync.WaitGroup
	wg.Add(size)
	for i := 0; i < size; i++ {
		place, in, out := i, links[i], links[(i+1)%size]
		go func() {
			for token := range in {
				if token == 0 {
					last <- place
				} else {
					out <- token - 1
				}
			}
			wg.Done()
		}()
	}
	count = atLeast(count, 1)
	start := time.Now()
	links[0] <- count
	place := <-last
	m := perOp(start, count)
	check(place == count%size, "%d hops ended at place %d", count, place)
	for _, c := range links {
		close(c)
	}
	wg.Wait()
	return m
}
