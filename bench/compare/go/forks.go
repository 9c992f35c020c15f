package main

// Work that splits, and is waited for by wait groups.

import (
	"sync"
	"sync/atomic"
	"time"
)

// queensSolutions is in how many ways queens can be placed in the rows that are left, each row's
// attacks being known. Bits are columns; falling and rising diagonals move by one from row to row.
func queensSolutions(all, columns, falling, rising uint32) int {
	if columns == all {
		return 1
	}
	sum := 0
	for left := all &^ (columns | falling | rising); left != 0; left &= left - 1 {
		place := left & -left
		sum += queensSolutions(all, columns|place, (falling|place)<<1, (rising|place)>>1)
	}
	return sum
}

// queens that do not attack each other, one in each of the first rows of a board.
type queens struct {
	size, rows               int
	columns, falling, rising uint32
}

func (q *queens) all() uint32    { return 1<<q.size - 1 }
func (q *queens) free() uint32   { return q.all() &^ (q.columns | q.falling | q.rising) }
func (q *queens) solutions() int { return queensSolutions(q.all(), q.columns, q.falling, q.rising) }

func (q *queens) with(place uint32) queens {
	return queens{q.size, q.rows + 1, q.columns | place, (q.falling | place) << 1, (q.rising | place) >> 1}
}

// A goroutine for each placement in the first rows.
const spawnedRows = 5

func (q *queens) placements() int {
	if q.rows == spawnedRows {
		return 0
	}
	sum := 0
	for left := q.free(); left != 0; left &= left - 1 {
		next := q.with(left & -left)
		sum += 1 + next.placements()
	}
	return sum
}

type queensSearch struct {
	wg    sync.WaitGroup
	found atomic.Int64
}

func (s *queensSearch) solve(board *queens) {
	if board.rows == spawnedRows {
		s.found.Add(int64(board.solutions()))
		return
	}
	for left := board.free(); left != 0; left &= left - 1 {
		next := board.with(left & -left)
		s.wg.Add(1)
		go func() {
			s.solve(&next)
			s.wg.Done()
		}()
	}
}

// The whole board again and again: the largest, 12 at most, with no more than count placements.
func nqueens(count int) results {
	known := [...]int{10, 4, 40, 92, 352, 724, 2680, 14_200} // solutions, from size 5 on
	board, solutions := queens{size: spawnedRows}, known[0]
	for i, n := range known {
		larger := queens{size: spawnedRows + i}
		if larger.placements() <= count {
			board, solutions = larger, n
		}
	}
	placements := board.placements()
	rounds := atLeast(count/placements, 1)
	found := 0
	start := time.Now()
	for r := 0; r < rounds; r++ {
		var search queensSearch
		search.solve(&board)
		search.wg.Wait()
		found += int(search.found.Load())
	}
	m := perOp(start, rounds*placements)
	check(found == rounds*solutions, "%d solutions in %d rounds", found, rounds)
	return m
}

const leafSize = 32

// squareProduct is c += a * b on squares of matrices that are stored row by row.
type squareProduct struct {
	c, a, b      []float64 // from the first element of the square on
	size, stride int       // of these squares; of the matrices
}

// quarter is, for quarter (row, column) of c, one of the two products that it is the sum of.
func (p squareProduct) quarter(row, column, k int) squareProduct {
	h := p.size / 2
	return squareProduct{
		p.c[(row*p.stride+column)*h:],
		p.a[(row*p.stride+k)*h:],
		p.b[(k*p.stride+column)*h:],
		h, p.stride,
	}
}

func (p squareProduct) compute() {
	for i := 0; i < p.size; i++ {
		to := p.c[i*p.stride:][:p.size]
		factors := p.a[i*p.stride:][:p.size]
		for k, factor := range factors {
			from := p.b[k*p.stride:][:len(to)] // as long as `to`: no bounds checks below
			for j := range to {
				to[j] += factor * from[j]
			}
		}
	}
}

// The quarters at once, one of them here; first one half of each sum, then the other.
func (p squareProduct) multiply() {
	if p.size == leafSize {
		p.compute()
		return
	}
	for k := 0; k < 2; k++ {
		var wg sync.WaitGroup
		wg.Add(3)
		for q := 0; q < 3; q++ {
			part := p.quarter(q/2, q%2, k)
			go func() {
				part.multiply()
				wg.Done()
			}()
		}
		p.quarter(1, 1, k).multiply()
		wg.Wait()
	}
}

// Small whole numbers, so that sums are exact. The largest with at most count products of leaves.
func matmul(count int) results {
	n, leaves := leafSize, 1
	for leaves*8 <= count {
		n, leaves = n*2, leaves*8
	}
	a, b, c := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := 0; i < n; i++ {
		for j := 0; j < n; j++ {
			a[i*n+j], b[i*n+j], c[i*n+j] = float64((i+j)%7), float64((i*3+j)%5), 0
		}
	}
	start := time.Now()
	squareProduct{c, a, b, n, n}.multiply()
	m := perOp(start, leaves)

	// c x = a (b x), for x = 1, 2, 3, 1, 2, 3, ...
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i%3 + 1)
	}
	want, got := times(a, times(b, x)), times(c, x)
	for i := range got {
		check(got[i] == want[i], "row %d of the product", i)
	}
	return m
}

func times(m, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range y {
		for j := range x {
			y[i] += m[i*len(x)+j] * x[j]
		}
	}
	return y
}
