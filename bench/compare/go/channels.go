package main

// Channels.

import (
	"sync"
	"time"
)

func pingPong(count int) results {
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

func spsc1(count int) results   { return pipe(count, 1) }
func spsc128(count int) results { return pipe(count, 128) }

// One producer, one consumer.
func pipe(count, capacity int) results {
	c := make(chan int, capacity)
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

func bufUncontended(count int) results {
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

func mpmc4x4(count int) results    { return crowd(count, 4, 128) }
func hotChan8x8(count int) results { return crowd(count, 8, 0) }

// As many producers as consumers, all on one channel.
func crowd(count, sides, capacity int) results {
	each := atLeast(count/sides, 1)
	c := make(chan int, capacity)
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

// The token is the number of hops left; who receives 0 reports its place.
func ring503(count int) results {
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
