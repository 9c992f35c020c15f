package main

// Contexts, made and cancelled; and groups of goroutines with a context.

import (
	"context"
	"time"
)

// A child of a context that can be cancelled: made, cancelled.
func ctxCancel(count int) results {
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
func ctxTimeout(count int) results {
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
func ctxFanout10k(count int) results {
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

// A thousand items, eight at a time, again and again. One operation is an item.
func errgroupMap(count int) results {
	const items, limit = 1000, 8
	rounds := atLeast(count/items, 1)
	var mapped [items]int
	start := time.Now()
	for r := 0; r < rounds; r++ {
		group, _ := withContext(context.Background())
		group.setLimit(limit)
		for i := 0; i < items; i++ {
			i := i
			group.start(func() error {
				mapped[i] += i * i
				return nil
			})
		}
		err := group.wait()
		if err != nil {
			check(false, "%v", err)
		}
	}
	took := perOp(start, rounds*items)
	for i, v := range mapped {
		check(v == rounds*i*i, "item %d is %d", i, v)
	}
	return took
}
