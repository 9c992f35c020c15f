package main

// Select.

import "time"

// All four channels are ready at every select, so this also checks that the choice is uniform.
func selectReady4(count int) results {
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

// Asks one of three channels, in turn, and waits for the answer; so the select that answers has to
// park each time. One operation is a select, and the answer.
func selectBlock3(count int) results {
	var c [3]chan int
	for i := range c {
		c[i] = make(chan int)
	}
	answer := make(chan int)
	go func() {
		c0, c1, c2 := c[0], c[1], c[2]
		for i := 0; i < count; i++ {
			select {
			case v := <-c0:
				answer <- 3 * v
			case v := <-c1:
				answer <- 3*v + 1
			case v := <-c2:
				answer <- 3*v + 2
			}
		}
	}()
	start := time.Now()
	for i := 0; i < count; i++ {
		c[i%3] <- i / 3
		if v := <-answer; v != i {
			check(false, "asked for %d, got %d", i, v)
		}
	}
	return perOp(start, count)
}

// Two channels on which nobody sends.
func selectDefault(count int) results {
	a, b := make(chan int), make(chan int, 1)
	nothing := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		select {
		case <-a:
		case <-b:
		default:
			nothing++
		}
	}
	m := perOp(start, count)
	check(nothing == count, "nothing was there %d times of %d", nothing, count)
	return m
}

// One such channel: how programs look whether they are to stop.
func selectDefault1(count int) results {
	quit := make(chan struct{})
	nothing := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		select {
		case <-quit:
		default:
			nothing++
		}
	}
	m := perOp(start, count)
	check(nothing == count, "nothing was there %d times of %d", nothing, count)
	return m
}
