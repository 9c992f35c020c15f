package main

// Contexts: made and cancelled.

import (
	"context"
	"time"
)

// A child of a context that can be cancelled: made, cancelled.
func ctxCancel(count int) measurement {
	parent, cancelParent := context.WithCancel(context.Background())
	defer cancelParent()
	canceled := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		ctx, cancel := context.WithCancel(parent)
		cancel()
		if ctx.Err() != nil {
			canceled++
		}
	}
	took := perOp(start, count)
	check(canceled == count, "%d contexts of %d were cancelled", canceled, count)
	return took
}

// The same with a timeout of an hour.
func ctxTimeout(count int) measurement {
	parent, cancelParent := context.WithCancel(context.Background())
	defer cancelParent()
	canceled := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		ctx, cancel := context.WithTimeout(parent, time.Hour)
		cancel()
		if ctx.Err() != nil {
			canceled++
		}
	}
	took := perOp(start, count)
	check(canceled == count, "%d contexts of %d were cancelled", canceled, count)
	return took
}

// A parent with 10 000 children, cancelled at once. One operation is a child.
func ctxFanout10k(count int) measurement {
	const children = 10_000
	rounds := atLeast(count/children, 1)
	canceled := 0
	start := time.Now()
	for r := 0; r < rounds; r++ {
		parent, cancelParent := context.WithCancel(context.Background())
		all := make([]context.Context, 0, children)
		cancels := make([]context.CancelFunc, 0, children)
		for i := 0; i < children; i++ {
			ctx, cancel := context.WithCancel(parent)
			all = append(all, ctx)
			cancels = append(cancels, cancel)
		}
		cancelParent()
		for i, ctx := range all {
			if ctx.Err() != nil {
				canceled++
			}
			cancels[i]()
		}
	}
	took := perOp(start, rounds*children)
	check(canceled == rounds*children, "%d children of %d were cancelled", canceled, rounds*children)
	return took
}
