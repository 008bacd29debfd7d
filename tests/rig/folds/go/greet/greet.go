// Package greet greets somebody by name.
package greet

// Greeting is what is said.
func Greeting(name string) string { return "Hello, " + name + "!" }
