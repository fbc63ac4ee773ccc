// A tour of what guests do, for Go's wasip1: tour | missing NAME | panic.
package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"os"
	"sort"
	"time"
)

func check(err error, what string) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
	}
}

func standardInput() {
	lines, sum := 0, fnv.New64a()
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		lines++
		sum.Write(scanner.Bytes())
	}
	fmt.Printf("stdin: %d lines, %016x\n", lines, sum.Sum64())
}

func numbers() {
	values, seed := make([]int, 4000), uint32(1)
	for i := range values {
		seed = seed*1664525 + 1013904223
		values[i] = int(seed)
	}
	sort.Ints(values)
	sum := fnv.New64a()
	for _, value := range values {
		fmt.Fprintln(sum, value)
	}
	fmt.Printf("sorted: %d %d %016x\n", values[0], values[len(values)-1], sum.Sum64())
	fmt.Println("floats:", 0.1, 1e21, 1.0/3, float32(0.1), -1e10, math.Sin(1), math.Sqrt(2), math.Inf(-1), math.NaN())
	counts := map[string]int{}
	for i := 0; i < 1000; i++ {
		counts[fmt.Sprint(i%7)]++
	}
	fmt.Println("counts:", counts)
	results := make(chan int)
	for i := 0; i < 10; i++ {
		go func() { time.Sleep(time.Millisecond); results <- i * i }()
	}
	total := 0
	for i := 0; i < 10; i++ {
		total += <-results
	}
	fmt.Println("goroutines:", total)
}

func list(path string) {
	entries, err := os.ReadDir(path)
	check(err, "readdir")
	fmt.Printf("%s:", path)
	for _, entry := range entries {
		fmt.Printf(" %s(%v)", entry.Name(), entry.Type())
	}
	fmt.Println()
}

func files() {
	check(os.Mkdir("made", 0o777), "mkdir")
	check(os.WriteFile("made/a.txt", []byte("one\ntwo\n"), 0o666), "write")
	file, err := os.OpenFile("made/a.txt", os.O_APPEND|os.O_WRONLY, 0)
	check(err, "open")
	fmt.Fprintln(file, "three")
	file.Close()
	file, err = os.OpenFile("made/a.txt", os.O_RDWR, 0)
	check(err, "open")
	file.WriteAt([]byte("TWO"), 4)
	text := make([]byte, 5)
	file.ReadAt(text, 8)
	fmt.Printf("read: %s\n", text)
	check(file.Truncate(10), "truncate")
	file.Close()
	check(os.Symlink("a.txt", "made/link"), "symlink")
	to, err := os.Readlink("made/link")
	check(err, "readlink")
	info, err := os.Stat("made/link")
	check(err, "stat")
	fmt.Printf("link: %s, %d bytes\n", to, info.Size())
	check(os.Rename("made/a.txt", "made/b.txt"), "rename")
	_, err = os.Stat("made/link")
	fmt.Println("gone:", errors.Is(err, fs.ErrNotExist))
	list("made")
	list(".")
	check(os.Mkdir("made", 0o777), "mkdir again")
	check(os.Remove("made"), "remove although full")
	check(os.Remove("made/link"), "unlink")
	_, err = os.ReadFile("made/b.txt/x")
	check(err, "open")
	_, err = os.Open("../outside")
	check(err, "open outside")
	_, err = os.Stdout.WriteAt([]byte("x"), 0)
	check(err, "pwrite to a stream")
	check(os.MkdirAll("deep/er/still", 0o777), "mkdirs")
	check(os.RemoveAll("deep"), "rmdirs")
}

func clocks() {
	begin := time.Now()
	time.Sleep(3 * time.Millisecond)
	first, second := make([]byte, 16), make([]byte, 16)
	rand.Read(first)
	rand.Read(second)
	fmt.Println("slept:", time.Since(begin) >= 3*time.Millisecond, "after 2020:", begin.Year() > 2020, "random:", string(first) != string(second))
}

func main() {
	switch os.Args[1] {
	case "missing":
		_, err := os.ReadFile(os.Args[2])
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	case "panic":
		var none []int
		none[len(os.Args)]++
	}
	_, there := os.LookupEnv("NOTHING")
	fmt.Println("arguments:", os.Args[1:], os.Getenv("GREETING"), there)
	standardInput()
	numbers()
	files()
	clocks()
	fmt.Fprintln(os.Stderr, "done")
}
