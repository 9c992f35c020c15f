package main

// Trees of goroutines whose results come back through channels.

import "time"

// skynet sends the sum of first .. first+leaves-1, one leaf a number, up through channels.
func skynet(out chan<- int, first, leaves int) {
	if leaves == 1 {
		out <- first
		return
	}
	in := make(chan int)
	step := leaves / 10
	for i := 0; i < 10; i++ {
		go skynet(in, first+i*step, step)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-in
	}
	out <- sum
}

// The largest tree with at most count leaves.
func skynet1m(count int) results {
	leaves, nodes := 10, 11
	for leaves*10 <= count {
		leaves *= 10
		nodes += leaves
	}
	out := make(chan int)
	start := time.Now()
	go skynet(out, 0, leaves)
	sum := <-out
	m := perOp(start, nodes)
	check(sum == sumBelow(leaves), "sum %d of %d leaves", sum, leaves)
	return m
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	c := make(chan int, 1)
	go func() { c <- fib(n - 1) }()
	b := fib(n - 2)
	return <-c + b
}

// fib(n) spawns fib(n+1)-1 goroutines. This takes the largest n that spawns at most count.
func fib27(count int) results {
	n, want, next := 2, 1, 2 // next is fib(n+1)
	for want+next-1 <= count {
		n, want, next = n+1, next, want+next
	}
	start := time.Now()
	got := fib(n)
	m := perOp(start, next-1)
	check(got == want, "fib(%d) = %d", n, got)
	return m
}
