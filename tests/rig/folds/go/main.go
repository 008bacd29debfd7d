// Greets, and tells what it was built from.
package main

import (
	"fmt"

	"example.invalid/server/greet"
)

var revision = "unknown"

func main() {
	fmt.Println(greet.Greeting("world"), revision)
}
